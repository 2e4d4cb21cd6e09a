"""A small distribution that offers entries, laid out as pip leaves one: a package and its metadata."""

from __future__ import annotations

from pathlib import Path


def distribution(site: Path, name: str, files: dict[str, str], points: dict[str, dict[str, str]]) -> Path:
    """Lay a distribution into a folder of the path.

    Args:
        files: texts of the package, by path in the folder.
        points: entry points by group (`models`), each a name with its module.
    """
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    metadata = site / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = []
    for group, entries in points.items():
        lines += [f"[genfoundry.{group}]", *(f"{each} = {module}" for each, module in entries.items()), ""]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    return site
