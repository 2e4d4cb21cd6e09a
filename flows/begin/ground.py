"""Whether a folder can become a project."""

from __future__ import annotations

from pathlib import Path

from genfoundry.errors import UserError
from genfoundry.project.markers import FILES, file_of, is_marked


def ensure_fit(root: Path) -> None:
    """See that a folder can be a project.

    Raises:
        UserError: it is the home folder, or lies within a project.
    """
    if root == Path.home().resolve():
        raise UserError(
            f"{root} is your home folder, and all that lies in it would belong to the project.",
            expected="a folder of its own",
            remedy="mkdir my-project && cd my-project && genfoundry init",
        )
    if is_marked(root):
        return
    if outer := next((folder for folder in root.parents if is_marked(folder)), None):
        raise UserError(
            f"{root} lies in the project {outer} ({file_of(outer)} marks it).",
            expected=f"projects beside each other: one within another would have two marks ({' or '.join(FILES)})",
            remedy=f"cd '{outer}' to work in that one; for another project, genfoundry init in a folder outside of it",
        )
