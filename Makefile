PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile
.DEFAULT_GOAL := help

# The set is whole, so nothing is left to resolve but what this machine's build of torch needs besides. pip works on one
# package at a time, and waits for most of it: four of them share the set. A few files are for newer Pythons.
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	awk '{ print > (".venv/" NR % 4 ".txt") }' constraints.txt
	seq 0 3 | xargs -P 4 -I{} $(PIP) --no-deps --requirement .venv/{}.txt
	{ $(BIN)/python -m compileall -q -j 0 -x '/tests?/' .venv/lib >/dev/null || true; } & \
	$(PIP) --constraint constraints.txt torch && $(PIP) --no-deps --editable . && wait
	touch $@

.PHONY: help install run test test-servers check bench up down
help:    ## Show this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

install: .venv/.installed ## Make .venv and install the pinned set

run: install ## Train, judge and register the default fleet on the embedded data; ends with a leaderboard and a report
	$(BIN)/genfoundry run --default

test:    ## Every test that this machine can run, but for those of test-servers
	tests/requirements.sh & debian=$$!; $(MAKE) --no-print-directory install && wait $$debian
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not servers" --numprocesses logical --dist loadfile --no-loadscope-reorder

test-servers: install ## Real servers, workers, clones, kills, benchmarks: schedules, triggers, CI, containers, routes
	tests/requirements.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m servers --numprocesses logical --dist loadfile --no-loadscope-reorder

check: install ## Format, lint, types, arrows, pipelines, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	.ci/lint
	$(BIN)/python -m pytest -m "not slow and not gpu" -q

up: install      ## Start MLflow, Prefect, a worker and the deployments on this machine, in the background
	$(BIN)/genfoundry up

down:            ## Stop exactly those; data and databases stay
	$(BIN)/genfoundry down

bench: install ## Speed and memory beside the usual way, one table
	$(BIN)/python -m benchmarks
