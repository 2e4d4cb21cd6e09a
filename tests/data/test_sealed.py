"""Every kind of file below `.genfoundry/` that is read back: with a byte changed or cut it is passed over and named."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genfoundry_flows.runs import unpublished
from genfoundry_flows.servers import environment
from support.tracked import DATA

from genfoundry.data import sealed
from genfoundry.data.policy import Validation
from genfoundry.data.quarantine import IntakeTally, RefusedError, put_aside
from genfoundry.judging import baselines, features
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.records import ValidatedDataset
from genfoundry.stages import validated_before
from genfoundry.training import job, journal
from genfoundry.training.job import Result

SPEC = SeriesSpec(freq="h", season=24, context=48, horizon=4)
HISTORY = np.sin(np.arange(300) / 4) + np.arange(300) / 100


def damages(content: bytes, count: int = 12) -> Iterator[bytes]:
    """The content cut at, and with a bit changed at, places all over it."""
    draw = random.Random(len(content))
    for at in [0, 1, len(content) // 2, len(content) - 2, *(draw.randrange(len(content) - 1) for _ in range(count))]:
        yield content[:at]
        yield content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]


def result(folder: Path) -> tuple[Path, Callable[[], Any]]:
    found = Result(run_key="k" * 64, outcome="PREEMPTED", sentence="stopped", step=3)
    return job.write_result(folder, found), lambda: job.read_result(folder)


def waiting(folder: Path) -> tuple[Path, Callable[[], Any]]:
    unpublished.keep("gan", {"training.max_steps": 40})
    (path,) = (folder / ".genfoundry" / "pending").iterdir()
    return path, unpublished.waiting


def quarantine(folder: Path) -> tuple[Path, Callable[[], Any]]:
    tally = IntakeTally("own", 1.0)
    tally.refuse("cats/1.jpg", RefusedError("NOT_IMAGE", "It begins with <html>."))
    return tally.write(), lambda: put_aside("own")


def validation(folder: Path) -> tuple[Path, Callable[[], Any]]:
    policy, kept = Validation(), ValidatedDataset(version=DATA, counts={"train": 3}, checks=())
    return validated_before.keep(kept, policy), lambda: validated_before.find(DATA, policy)


def array(folder: Path) -> tuple[Path, Callable[[], Any]]:
    path = sealed.write_array(folder / "grid.npy", np.arange(600, dtype=np.uint8).reshape(6, 100))

    def read() -> list | None:
        found = sealed.read_array(path)
        return None if found is None else found.tolist()

    return path, read


KINDS = (result, waiting, quarantine, validation, array)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_any_byte_changed_or_cut_is_passed_over_and_said(kind, root, caplog):
    path, read = kind(root)
    whole, found = path.read_bytes(), read()
    assert found
    assert not caplog.messages
    for damaged in damages(whole):
        path.write_bytes(damaged)
        caplog.clear()
        if _same(damaged, whole):
            assert read() == found
            continue
        assert not read(), damaged
        assert any(str(path) in said and "is damaged" in said for said in caplog.messages), damaged
    path.write_bytes(whole)
    assert read() == found


def _same(damaged: bytes, whole: bytes) -> bool:
    """A space that became another space, say, changes nothing."""
    try:
        return json.loads(damaged) == json.loads(whole)
    except ValueError:
        return damaged == whole


@pytest.mark.parametrize("kind", [result, waiting, quarantine], ids=lambda kind: kind.__name__)
def test_a_document_of_the_release_before_is_read_once_said_and_sealed(kind, root, caplog):
    path, read = kind(root)
    found, document = read(), json.loads(path.read_text())
    del document["seal"]
    document.pop("description_digest", None)  # that release had none
    path.write_text(json.dumps(document))
    assert read() == found
    assert [str(path) in said and "sealed nothing" in said for said in caplog.messages] == [True]
    caplog.clear()
    assert read() == found
    assert not caplog.messages


@pytest.mark.parametrize("name", ["teal", "Seal", "sea\\u006d"])
def test_a_seal_under_another_name_is_no_missing_seal(name, root, caplog):
    path, read = result(root)
    path.write_text(path.read_text().replace('"seal"', f'"{name}"'))
    assert read() is None
    assert "is damaged" in caplog.text


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "3", '{"seal": 1}', '{"a": "\\ud800"}', "[" * 100_000, "\x00" * 50]
)
def test_what_is_no_document_at_all_is_passed_over(text, root, caplog):
    path, read = result(root)
    path.write_text(text)
    assert read() is None
    assert str(path) in caplog.text


def test_a_folder_in_the_place_of_a_document_is_passed_over(root, caplog):
    path, read = result(root)
    path.unlink()
    path.mkdir()
    assert read() is None
    assert str(path) in caplog.text


def test_an_array_of_the_release_before_is_read_once_said_and_sealed(root, caplog):
    np.save(root / "old.npy", np.arange(5))
    assert sealed.read_array(root / "old.npy").tolist() == [0, 1, 2, 3, 4]
    assert "sealed nothing" in caplog.text
    assert not (root / "old.npy").read_bytes().startswith(sealed.NPY)


def test_infinite_numbers_and_keys_that_are_no_text_survive_their_seal(root):
    path = sealed.write(root / "x.json", {"a": float("inf"), "b": {1: 2, 10: 3}, "ü": "grüße", "nan": float("nan")})
    found = sealed.read(path, (), dict)
    assert found is not None
    assert (found["a"], found["b"], found["ü"]) == (float("inf"), {"1": 2, "10": 3}, "grüße")


@pytest.mark.parametrize("what", [pytest.param("floors", marks=pytest.mark.slow), "features"])
def test_a_damaged_cache_is_made_anew(what, root, caplog):
    """The floors that forecasters are judged by, and the features that images are."""
    pytest.importorskip("statsforecast")
    if what == "floors":
        make = lambda: baselines.ensembles("auto_ets", [HISTORY], SPEC, 8)  # noqa: E731
    else:
        make = lambda: features.remembered("x", np.arange(3), lambda: np.ones((4, 4), np.float32))  # noqa: E731
    first = make()
    (path,) = (root / ".genfoundry" / ("baselines" if what == "floors" else what)).iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:-20] + bytes(20), whole[:100], b"", whole[:40] + b"\xff" + whole[41:]):
        path.write_bytes(damaged)
        caplog.clear()
        assert np.array_equal(make(), first)
        assert f"{path} is damaged" in caplog.text
        assert path.read_bytes() == whole


@pytest.mark.slow
def test_a_floor_of_another_shape_is_not_believed(root):
    first = baselines.ensembles("auto_ets", [HISTORY], SPEC, 8)
    (path,) = (root / ".genfoundry" / "baselines").iterdir()
    sealed.write_array(path, np.zeros((2, 8, 4), np.float32))
    assert np.array_equal(baselines.ensembles("auto_ets", [HISTORY], SPEC, 8), first)


@pytest.fixture
def told(root: Path) -> Path:
    writer = journal.Journal(root)
    for step in range(4):
        writer.write("metrics", step=step, of=4, metrics={"loss": 1 / (step + 1)})
    return root / journal.FILE


def steps(folder: Path) -> list[int]:
    return [event["step"] for event in journal.Follower(folder).read()]


def test_a_line_that_was_altered_or_cut_is_passed_over_by_every_reader(told, root, caplog):
    lines = told.read_bytes().splitlines(keepends=True)
    for damaged in damages(lines[1][:-1]):
        if _same(damaged, lines[1]) or not damaged:
            continue
        told.write_bytes(lines[0] + damaged.replace(b"\n", b" ") + b"\n" + lines[2] + lines[3])
        assert steps(root) == [0, 2, 3]
        caplog.clear()
        assert [event["step"] for event in journal.events(told)] == [0, 2, 3]
        assert f"{told} is damaged (1 of 4 lines" in caplog.text


def test_a_journal_is_mended_by_leaving_out_what_does_not_hold(told, root, caplog):
    whole = told.read_bytes()
    told.write_bytes(whole[:-30] + b"\n\xff\xfe garbage \n")
    journal.repair(root)
    assert "is damaged (2 of 5 lines" in caplog.text
    assert told.read_bytes() == b"".join(whole.splitlines(keepends=True)[:3])
    caplog.clear()
    journal.repair(root)
    assert not caplog.messages


def test_a_journal_of_the_release_before_is_read_said_and_sealed(root, caplog):
    old = {"event": "metrics", "time": 1.5, "step": 7, "of": 9, "metrics": {"loss": 2.0}}
    (root / journal.FILE).write_text(json.dumps(old) + "\n" + json.dumps(old)[:-9] + "\n")
    assert steps(root) == [7]
    journal.repair(root)
    assert "sealed nothing" in caplog.text
    assert '"seal"' in (root / journal.FILE).read_text()
    assert steps(root) == [7]


def test_where_the_servers_are_is_believed_only_whole():
    variables = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000", "PREFECT_API_URL": "http://127.0.0.1:4200/api"}
    text = environment.told(variables)
    assert environment.opened(text) == variables
    assert environment.opened("".join(f"{key}={value}\n" for key, value in variables.items())) == variables
    for damaged in damages(text.encode(), 30):
        try:
            found = environment.opened(damaged.decode())
        except ValueError:
            continue
        assert found == variables, damaged  # all of it but its seal was cut off: that is what the release before wrote


def test_it_is_said_where_warnings_are_said(root, caplog):
    path, read = result(root)
    path.write_text("{")
    with caplog.at_level(logging.WARNING):
        read()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
