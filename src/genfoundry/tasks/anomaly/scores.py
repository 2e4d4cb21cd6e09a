"""Whom the judge of anomalies measures a detector against; what it computes is `metrics/detection.py`."""

from __future__ import annotations

SUBJECTS = {"isolation_forest": "isolation forest", "knn": "nearest neighbours"}
