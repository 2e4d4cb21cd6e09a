"""Every run comes to one word, with a sentence; a program reads the word's exit status."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from genfoundry.errors import UserError
from genfoundry.records import ModelVersion


class Outcome(StrEnum):
    """What a run came to. The word stands in the Prefect artifact, in the MLflow tag `outcome` and in events."""

    PROMOTED = "PROMOTED"
    HOLD = "HOLD"
    REJECTED = "REJECTED"
    SKIPPED = "SKIPPED"
    DIVERGED = "DIVERGED"
    PREEMPTED = "PREEMPTED"
    FAILED = "FAILED"
    TRAINED_NOT_PUBLISHED = "TRAINED_NOT_PUBLISHED"


class OutcomeMeaning(NamedTuple):
    """Exit status of `genfoundry run` where this is the worst outcome, and the word in a sentence."""

    status: int
    sentence: str


MEANINGS = {
    Outcome.PROMOTED: OutcomeMeaning(0, "the gate found it better; the alias champion is at it"),
    Outcome.HOLD: OutcomeMeaning(0, "sound, but not shown to be better; the alias challenger is at it"),
    Outcome.SKIPPED: OutcomeMeaning(0, "an equal run was there, and its artifacts verify"),
    Outcome.FAILED: OutcomeMeaning(1, "it ended with an error, which the sentence names"),
    Outcome.TRAINED_NOT_PUBLISHED: OutcomeMeaning(4, "trained, but MLflow was away; `genfoundry publish` finishes it"),
    Outcome.REJECTED: OutcomeMeaning(5, "the gate says no, and why; status 0 without --strict"),
    Outcome.DIVERGED: OutcomeMeaning(6, "a loss left the finite numbers before the first snapshot"),
    Outcome.PREEMPTED: OutcomeMeaning(143, "stopped by a signal; the next run goes on from the snapshot"),
}
WORDS = {"PROMOTE": Outcome.PROMOTED, "HOLD": Outcome.HOLD, "REJECT": Outcome.REJECTED}


class Interrupted(UserError):  # noqa: N818, the user reads its sentence
    """The training was stopped and can go on."""

    exit_code = MEANINGS[Outcome.PREEMPTED].status


class Diverged(UserError):  # noqa: N818
    """The training left the finite numbers, with nothing to go back to."""

    exit_code = MEANINGS[Outcome.DIVERGED].status


class NotPublished(UserError):  # noqa: N818
    """The training is done and lies in its job's folder; the tracker was away when it was to be handed over."""

    exit_code = MEANINGS[Outcome.TRAINED_NOT_PUBLISHED].status


RAISED = {
    Interrupted: Outcome.PREEMPTED,
    Diverged: Outcome.DIVERGED,
    NotPublished: Outcome.TRAINED_NOT_PUBLISHED,
}


def outcome(result: ModelVersion | BaseException) -> Outcome:
    """The word for what a run returned or raised."""
    if isinstance(result, ModelVersion):
        return Outcome.SKIPPED if result.skipped else WORDS[result.decision]
    return next((word for kind, word in RAISED.items() if isinstance(result, kind)), Outcome.FAILED)


def sentence(result: ModelVersion | BaseException) -> str:
    """The same for a reader: of a version what decided, of an error what was found."""
    if isinstance(result, ModelVersion):
        failed = [reason.sentence for reason in result.reasons if not reason.passed]
        return f"{result.name} version {result.version}: {(failed or [result.reasons[-1].sentence])[0]}"
    return str(result) or type(result).__name__
