"""pytest tries a project's own entries, each as one test: `acme_lab/models/ddpm.py::contract`.

It is loaded by every pytest of the environment, so outside a project with a mark it does nothing, and imports
nothing that takes time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from genfoundry.project.markers import is_marked

if TYPE_CHECKING:
    from genfoundry_flows.checking import Entry  # pyright: ignore[reportMissingImports]


def pytest_configure(config: pytest.Config) -> None:
    """Collect own entries where there may be some."""
    here = Path(os.environ.get("GENFOUNDRY_ROOT") or config.invocation_params.dir)
    if not any(is_marked(folder) for folder in (here, *here.parents)):
        return
    from genfoundry.errors import UserError

    try:
        entries = _by_file()
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(_OwnEntries(entries), "genfoundry-own-entries")
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        config.args += sorted({*map(str, entries)})


def _by_file() -> dict[Path, Entry]:
    """The project's own entries, each by the file that stands for it."""
    from genfoundry_flows import checking  # pyright: ignore[reportMissingImports]

    return {path.resolve(): entry for entry in checking.entries() if (path := checking.file_of(entry)) is not None}


class _OwnEntries:
    """Makes a test of each file that is an entry."""

    def __init__(self, entries: Mapping[Path, Entry]) -> None:
        self.entries = entries

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        entry = self.entries.get(file_path.resolve())
        return None if entry is None else _EntryFile.from_parent(parent, path=file_path, entry=entry)


class _EntryFile(pytest.File):
    def __init__(self, *, entry: Entry, **given: Any) -> None:
        super().__init__(**given)
        self.entry = entry

    def collect(self) -> Iterator[pytest.Item]:
        yield _Contract.from_parent(self, name="contract", entry=self.entry)


class _Contract(pytest.Item):
    """One entry keeps what all of its sort promise."""

    def __init__(self, *, entry: Entry, **given: Any) -> None:
        super().__init__(**given)
        self.entry = entry

    def runtest(self) -> None:
        from genfoundry_flows import checking  # pyright: ignore[reportMissingImports]

        checking.check(self.entry)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *given: Any, **more: Any) -> Any:
        from genfoundry.errors import UserError

        if isinstance(excinfo.value, UserError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *given, **more)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.entry.label
