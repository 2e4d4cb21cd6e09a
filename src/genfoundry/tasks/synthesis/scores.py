"""What the subjects beside a model of tables are called."""

from __future__ import annotations

SUBJECTS = {
    "marginals": "independent marginals",
    "smote": "SMOTE",
    "adversarial_forest": "adversarial random forest",
}
