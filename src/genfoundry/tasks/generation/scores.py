"""What the judge of generation computes beside the metrics that it runs, and whom it measures a model against."""

from __future__ import annotations

from genfoundry.metric import ScoreKind

VIEWS = ("features", "deciding", "training", "images")  # every metric of these is run
SUBJECTS = {"real": "real data", "copy": "a plain copy", "noise": "the noise floor"}
SCORES = (
    ScoreKind(
        "confidence",
        label="Confidence",
        question="How sure is the domain classifier of what it sees?",
        better="higher",
        low=0,
        high=1,
        headline=True,
    ),
    ScoreKind(
        "confidence_ratio",
        label="Confidence, relative to real",
        question="The same, over that on held-out real examples.",
        better="higher",
    ),
    ScoreKind(
        "elbo_bits_per_dim",
        label="ELBO in bits per dimension",
        question="Bits needed per pixel, at most.",
        better="lower",
        headline=True,
    ),
    ScoreKind(
        "bits_per_dim",
        label="Bits per dimension",
        question="Bits needed per pixel.",
        better="lower",
        headline=True,
    ),
    ScoreKind(
        "label_accuracy",
        label="Label accuracy",
        question="What share of the samples is taken for the class that was asked for?",
        better="higher",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
    ),
    ScoreKind(
        "fd_by_class",
        label="Fréchet distance within a class",
        question="The mean over classes of each class's own distance.",
        better="lower",
        headline=True,
    ),
    ScoreKind(
        "classification_accuracy",
        label="Classification accuracy score",
        question="How well does a classifier do on real examples that learned from samples alone?",
        better="higher",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
        beside="accuracy",
    ),
)
