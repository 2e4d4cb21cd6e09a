"""What is wrong with what a user wrote into a form, as a sentence that names the closest key."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from genfoundry.errors import UserError, closest


def explain(error: ValidationError, form: type[BaseModel], where: str, section: str = "") -> UserError:
    """The first thing that is wrong; a misspelt key before a missing one, which it explains.

    Args:
        form: what the text was to be.
        where: the document, as it is called in sentences.
        section: the dotted key of the form in the document; empty where the form is all of it.
    """
    first = min(error.errors(), key=lambda found: found["type"] == "missing")
    path = [str(part) for part in first["loc"]]
    key = ".".join([*([section] if section else []), *path])
    if first["type"] == "extra_forbidden":
        return UserError(f"{where}: unknown key '{key}'; {closest(path[-1], _fields_at(form, path[:-1]))}")
    if first["type"] == "missing":
        return UserError(f"{where}: '{key}' is missing.")
    return UserError(f"{where}: {key} = {first['input']!r}: {first['msg']}")


def _fields_at(form: type[BaseModel], path: list[str]) -> list[str]:
    fields = form.model_fields
    for part in path:
        fields = getattr(fields[part].annotation, "model_fields", {})
    return list(fields)
