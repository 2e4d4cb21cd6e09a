"""What a process of ours sets before it imports a vendor: telemetry off, state below `.genfoundry/`, garbage seldom.

Nothing that the user has set is overridden.
"""

from __future__ import annotations

import gc
import os

from genfoundry.files import state_dir

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "False",
    "DVC_NO_ANALYTICS": "1",
    "OMP_WAIT_POLICY": "passive",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_ROOT_LEVEL": "WARNING",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}

OBJECTS = 50_000  # made between two collections; at the default of 700 they are a tenth of an unchanged rerun


def prepare() -> None:
    """Set the defaults of this process and of those that it starts."""
    gc.set_threshold(OBJECTS)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(state_dir("prefect")))
