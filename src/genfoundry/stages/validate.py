"""The second stage: the bytes of a dataset version against its card. The only door to Great Expectations."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genfoundry import kind
from genfoundry.data.expectations import CheckedTable, Expectation
from genfoundry.data.policy import Validation
from genfoundry.data.quarantine import put_aside
from genfoundry.dataset import open_version, remake
from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.project.root import state_path
from genfoundry.records import Check, DatasetVersion, ValidatedDataset
from genfoundry.report import ValidationFound, render_validation

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

SHOWN = 10  # failing rows that a sentence lists
POSITION = "position"
_ONE_AT_A_TIME = threading.Lock()  # a context is a global of its process


class InvalidData(UserError):  # noqa: N818, the user reads its sentence, never its name
    """Data that does not fulfil its card. `judged` holds all checks, the met ones too."""

    def __init__(self, found: str, judged: ValidationFound, *, expected: str = "", remedy: str = "") -> None:
        super().__init__(found, expected=expected, remedy=remedy)
        self.judged = judged

    def __reduce__(self) -> Any:
        return _revive, (self.found, self.judged, self.expected, self.remedy)


def _revive(found: str, judged: ValidationFound, expected: str, remedy: str) -> InvalidData:
    return InvalidData(found, judged, expected=expected, remedy=remedy)


def validate_dataset(version: DatasetVersion, policy: Validation) -> ValidatedDataset:
    """Hash a dataset's files again, then hold them against its card; `page_of` shows what came of it.

    Raises:
        InvalidData: a critical check failed; the sentence lists every one that did.
        UserError: the version is not on this machine, a file was changed, or one does not parse.
    """
    dataset = open_version(version)
    card = dataset.card
    tables = kind.of(version).suite.tables(dataset.folder, version.spec, card, policy)
    with _ONE_AT_A_TIME:
        context = _context()
        pairs = [pair for number, table in enumerate(tables) for pair in _judge(context, table, number)]
    judged = ValidationFound(version=version, counts=card.counts, checks=tuple(check for check, _ in pairs))
    page = render_validation(judged, card.model_dump(mode="json"), put_aside(version.name))
    write_atomic(page_of(version.name), page)
    refused = [(check, remedy) for check, remedy in pairs if not check.passed and check.severity == "critical"]
    if refused:
        raise _refusal(judged, refused)
    return ValidatedDataset(version=version, counts=card.counts, checks=judged.checks)


def page_of(name: str) -> Path:
    """Where the page of a dataset's last validation lies, passed or failed."""
    return state_path("reports") / f"validation-{name}.html"


def _refusal(judged: ValidationFound, refused: list[tuple[Check, str]]) -> InvalidData:
    name = judged.version.name
    lines = [f"  - {check.name}: {check.sentence}{f' ({remedy})' if remedy else ''}" for check, remedy in refused]
    return InvalidData(
        f"Dataset '{name}' ({judged.version.digest}) does not fulfil its card: "
        f"{len(refused)} of {len(judged.checks)} checks failed.\n" + "\n".join(lines),
        judged,
        remedy=f"correct the source, then: {remake(name)}   All checks, on one page: {page_of(name)}",
    )


def _context() -> EphemeralDataContext:
    """A context that keeps nothing, reports nothing, and draws no progress bars."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)  # before its import, which talks too
    import great_expectations as gx
    from great_expectations.data_context.types import base

    logging.getLogger(base.__name__).setLevel(logging.ERROR)  # it sets a level of its own
    nothing_kept = base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    no_bars = base.ProgressBarsConfig(globally=False, metric_calculations=False)
    project = base.DataContextConfig(store_backend_defaults=nothing_kept, progress_bars=no_bars)
    return gx.get_context(project_config=project, mode="ephemeral")


def _judge(context: EphemeralDataContext, table: CheckedTable, number: int) -> list[tuple[Check, str]]:
    """Run one table's suite; each check beside its remedy, in the suite's order."""
    import great_expectations as gx

    suite = gx.ExpectationSuite(
        name=f"suite {number}",
        expectations=[
            getattr(gx.expectations, each.rule)(**each.settings, severity=each.severity, meta={"place": place})
            for place, each in enumerate(table.suite)
        ],
    )
    frame = table.frame.assign(**{POSITION: range(len(table.frame))})
    asset = context.data_sources.add_pandas(f"source {number}").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": [POSITION]}
    results = {
        result.expectation_config.meta["place"]: result  # pyright: ignore[reportOptionalMemberAccess, reportOptionalSubscript]
        for result in batch.validate(suite, result_format=form).results
    }
    return [(_check(each, table, results[place]), each.remedy) for place, each in enumerate(table.suite)]


def _check(expected: Expectation, table: CheckedTable, outcome: ExpectationValidationResult) -> Check:
    result: dict[str, Any] = outcome.result
    if outcome.success:
        return Check(name=expected.name, severity=expected.severity, passed=True, sentence=expected.met)
    if error := _exception(outcome):
        sentence = f"This could not be checked: {error}"
        return Check(name=expected.name, severity="critical", passed=False, sentence=sentence)
    bad, of = result.get("unexpected_count", 0), result.get("element_count", 0)
    severity = "critical" if of and bad / of > expected.tolerance else expected.severity
    sentence = expected.unmet.format(
        bad=f"{bad:,}", of=f"{of:,}", share=f"{bad / max(of, 1):.2%}", observed=result.get("observed_value"),
        where=_where(expected.row or table.row, table, result),
    )  # fmt: skip
    return Check(name=expected.name, severity=severity, passed=False, sentence=sentence)


def _exception(outcome: ExpectationValidationResult) -> str:
    """What stopped a rule from being run, if anything did: Great Expectations nests it by metric."""
    found = outcome.exception_info or {}
    nested = [found, *(value for value in found.values() if isinstance(value, dict))]
    return next((str(each["exception_message"]) for each in nested if each.get("raised_exception") is True), "")


def _where(row: str, table: CheckedTable, result: dict[str, Any]) -> str:
    positions = [int(each[POSITION]) for each in result.get("unexpected_index_list") or []]
    listed = [row.format(position=at, **table.frame.iloc[at].to_dict()) for at in positions[:SHOWN]]
    more = len(positions) - len(listed)
    return ", ".join(listed) + (f" and {more:,} more" if more else "")
