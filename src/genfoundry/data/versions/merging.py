"""Two people's changes of `data.dvc` become one: what one of them added, changed or removed is as they left it.

The datasets are merged by name, three ways, and the listing of `data/` is made of the two sides' listings. DVC's own
merge driver knows nothing of `meta`, which names each dataset's version.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import yaml

from genfoundry.data.versions import dvc, history, listed
from genfoundry.errors import UserError
from genfoundry.project.root import project_root

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.tree import Tree

OURS, BASE, THEIRS, END = "<<<<<<<", "|||||||", "=======", ">>>>>>>"  # how git's marks begin
Side = Literal["ours", "theirs"]


class Versions(NamedTuple):
    """The text of `data.dvc` where two lines of work parted, and on both of them; empty where one has none."""

    base: str
    ours: str
    theirs: str


def standing() -> Versions:
    """The three versions of a `data.dvc` that git left unmerged: from git's index, else from the marks in the file.

    Raises:
        UserError: it is not unmerged.
    """
    staged = [_staged(stage) for stage in (1, 2, 3)]
    if staged[1] or staged[2]:
        return Versions(*staged)
    text = dvc.data_file().read_text(encoding="utf-8") if dvc.data_file().is_file() else ""
    if not dvc.is_unmerged(text):
        raise UserError(f"{dvc.data_file()} holds no merge that stands open.", expected="one that git could not finish")
    return _marked(text)


def _staged(stage: int) -> str:
    command = ["git", "-C", str(project_root()), "show", f":{stage}:./data.dvc"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout if asked.returncode == 0 else ""


def _marked(text: str) -> Versions:
    """The versions that git's marks tell apart; lines outside them are of all. Without a base in them that is empty."""
    found: dict[str, list[str]] = {OURS: [], BASE: [], THEIRS: []}
    within = ""
    for line in text.splitlines():
        mark = line[: len(OURS)]
        if mark in (*found, END):
            within = "" if mark == END else mark
        else:
            for lines in [found[within]] if within else found.values():
                lines.append(line)
    told = BASE in (line[: len(BASE)] for line in text.splitlines())
    return Versions("\n".join(found[BASE]) if told else "", "\n".join(found[OURS]), "\n".join(found[THEIRS]))


class Merged(NamedTuple):
    """The text of a `data.dvc`, and a sentence where its listing could not be put into the remote."""

    text: str
    sentence: str


def merge(versions: Versions, taken: Mapping[str, Side] | None = None) -> Merged:
    """The `data.dvc` that holds both sides' changes; its listing is put into DVC's cache, and into the remote.

    Args:
        taken: whose version is meant, by the name of a dataset that both sides changed.

    Raises:
        UserError: both sides changed one dataset, to different versions; a side's listing is in no cache and no remote.
    """
    if not dvc.is_repository():
        raise UserError(f"{project_root()} is not under DVC.", remedy="dvc init   (--no-scm without git)")
    base, ours, theirs = (_document(text) for text in versions)
    with dvc.opened("fetch data.dvc") as repository:
        trees = [_rows(repository, document) for document in (base, ours, theirs)]
        names = sorted({*trees[1], *trees[2], *_datasets(ours), *_datasets(theirs)})
        sides = {name: _side(name, (base, ours, theirs), taken or {}) for name in names}
        chosen = [trees[1 if side == "ours" else 2].get(name, {}) for name, side in sides.items()]
        tree = listed.with_rows({key: info for rows in chosen for key, info in rows.items()})
        listed.keep(repository, tree)
        sentence = _shared(repository, tree)
    digests = {name: _datasets(ours if side == "ours" else theirs).get(name) for name, side in sides.items()}
    merged = {**theirs, **ours, "outs": [_out(tree, base, ours, theirs)]}
    meta = _noted(theirs.get("meta") or {}, ours.get("meta") or {})
    meta["datasets"] = {name: digest for name, digest in digests.items() if digest}
    return Merged(yaml.safe_dump({**merged, "meta": meta}, sort_keys=False, allow_unicode=True), sentence)


def _shared(repository: Repo, tree: Tree) -> str:
    """Put a listing into the remote where there is one; a sentence where that fails. The files are there already."""
    try:
        for store in list(history.stores(repository))[1:]:
            listed.put(store, tree)
    except Exception as error:  # DVC raises whatever its storage raises
        return f"The listing of the merged data is not in DVC's remote yet ({error}). To share it: dvc push"
    return ""


def _noted(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """What both sides note beside their datasets: lists and mappings hold what either side does."""
    found = {**theirs, **ours}
    for key in {*theirs} & {*ours}:
        one, other = theirs[key], ours[key]
        if isinstance(one, dict) and isinstance(other, dict):
            found[key] = {**one, **other}
        elif isinstance(one, list) and isinstance(other, list):
            found[key] = sorted({*one, *other})
    return found


def _document(text: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"A side of data.dvc is not YAML: {error}", remedy="git checkout --ours data.dvc") from None
    return document if isinstance(document, dict) else {}


def _datasets(document: dict[str, Any]) -> dict[str, str]:
    found = (document.get("meta") or {}).get("datasets")
    return found if isinstance(found, dict) else {}


def _side(name: str, documents: tuple[dict, dict, dict], taken: Mapping[str, Side]) -> Side:
    """Whose version of a dataset is the merged one: whoever changed it.

    Raises:
        UserError: both did, to different versions, and nobody said which is meant.
    """
    base, ours, theirs = (_datasets(document).get(name) for document in documents)
    if name in taken:
        return taken[name]
    if ours == theirs or theirs == base:
        return "ours"
    if ours == base:
        return "theirs"
    raise UserError(
        f"Both sides changed '{name}' in data.dvc: it is {ours or 'removed'} here and {theirs or 'removed'} there.",
        expected="one version of it; the other stays in DVC's cache, and in git's history",
        remedy=f"genfoundry data merge --ours {name}   (or --theirs {name})",
    )


Rows = dict[str, dict[tuple[str, ...], Any]]  # by dataset, then by the path below data/


def _rows(repository: Repo, document: dict[str, Any]) -> Rows:
    """What the listing of a side holds, fetched from the remote where the cache lacks it."""
    found: Rows = {}
    md5 = next((str(out["md5"]) for out in document.get("outs", ()) if out.get("md5")), listed.NOTHING["md5"])
    for key, info in history.rows(repository, str(md5)).items() if md5 != listed.NOTHING["md5"] else ():
        found.setdefault(key[0], {})[key] = info
    return found


def _out(tree: Tree, base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """What DVC writes of the merged listing; its size by the sides', where no dataset counts on both."""
    found = listed.out(tree)
    told = [next(iter(document.get("outs", ())), {}).get("size", 0) for document in (base, ours, theirs)]
    known = [_datasets(document) for document in (base, ours, theirs)]
    twice = [name for name in known[1] if known[1][name] == known[2].get(name) != known[0].get(name)]
    return found if twice else {**found, "size": told[1] + told[2] - told[0]}
