"""The newest version of each registered model, in one question.

Whoever only looks asks the server itself: importing MLflow's client takes two seconds, which is most of what a look at
unchanged data costs. Where that can't be done, or was not answered, the client is asked, whose errors say why.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

from genfoundry.records import Verdict
from genfoundry.tracking.store import client, quoted, translates_errors, uri
from genfoundry.tracking.versions import DECISION, ORPHAN, VERDICT, VersionInfo

ROUTE = "/api/2.0/mlflow/model-versions/search"
ORDER = ["creation_timestamp DESC"]
PAGE = 200
SECONDS = 10
SPECIAL = ("AUTH", "AWS_SIGV4", "CLIENT_CERT_PATH", "INSECURE_TLS", "SERVER_CERT_PATH")  # of MLFLOW_TRACKING_…


@translates_errors
def newest(names: Iterable[str]) -> dict[str, VersionInfo]:
    """The newest version of each of these registered models that is no trial; without its aliases."""
    wanted, found = set(names), {}
    if not wanted:
        return found
    for info in _versions(f"name IN ({', '.join(quoted(name) for name in sorted(wanted))})"):
        if ORPHAN not in info.tags and not _is_trial(info):
            found.setdefault(info.name, info)
        if len(found) == len(wanted):
            break
    return found


def _is_trial(info: VersionInfo) -> bool:
    verdict = info.tags.get(VERDICT)
    return bool(verdict) and Verdict.model_validate_json(verdict).on_trial


def _versions(words: str) -> Iterator[VersionInfo]:
    """Every version that the words describe, newest first."""
    token = ""
    while True:
        page, token = _from_server(words, token) or _from_client(words, token)
        yield from page
        if not token:
            return


def _from_server(words: str, token: str) -> tuple[list[VersionInfo], str] | None:
    """A page and the next one's token; None where the client has to be asked."""
    if not uri().startswith(("http://", "https://")) or any(os.environ.get(f"MLFLOW_TRACKING_{n}") for n in SPECIAL):
        return None
    fields = [("filter", words), ("max_results", PAGE), ("page_token", token), *(("order_by", by) for by in ORDER)]
    question = urllib.request.Request(
        f"{uri().rstrip('/')}{ROUTE}?{urllib.parse.urlencode(fields)}", headers=_headers()
    )
    try:
        with urllib.request.urlopen(question, timeout=SECONDS) as answer:
            page = json.load(answer)
    except (OSError, ValueError):
        return None
    return [_version(stored) for stored in page.get("model_versions", [])], page.get("next_page_token", "")


def _headers() -> dict[str, str]:
    user, word, token = (os.environ.get(f"MLFLOW_TRACKING_{name}", "") for name in ("USERNAME", "PASSWORD", "TOKEN"))
    if user and word:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if token else {}


def _from_client(words: str, token: str) -> tuple[list[VersionInfo], str]:
    page = client().search_model_versions(words, max_results=PAGE, order_by=ORDER, page_token=token or None)
    return [_version(_as_json(stored)) for stored in page], page.token or ""


def _as_json(stored: Any) -> dict[str, Any]:
    """A version of the client's as the server's JSON has it."""
    tags = [{"key": key, "value": value} for key, value in stored.tags.items()]
    names = ("name", "version", "run_id", "creation_timestamp", "description", "source")
    return {**{name: getattr(stored, name) for name in names}, "tags": tags}


def _version(stored: dict[str, Any]) -> VersionInfo:
    tags = {tag["key"]: tag.get("value", "") for tag in stored.get("tags", [])}
    return VersionInfo(
        stored["name"], int(stored["version"]), stored.get("run_id") or "", tags.get(DECISION, ""), (),
        int(stored.get("creation_timestamp") or 0), stored.get("description") or "", stored.get("source") or "", tags,
    )  # fmt: skip
