"""What the judge's own scores are called; of metrics in `metrics/` it offers no view."""

from genfoundry.metric import ScoreKind

SCORES = (
    ScoreKind(
        "template",
        label="Gap of brightness",
        question="How far is the mean of the samples from that of real examples?",
        better="lower",
        low=0,
        headline=True,
    ),
)
