"""What a user may say when data come in: the kinds' own `Options`, from which the command line and Prefect's form are
made, and which kind the files are of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from genfoundry import catalog
from genfoundry.data.quarantine import as_text
from genfoundry.errors import UserError, closest
from genfoundry.kind import Kind
from genfoundry.project import sources
from genfoundry.project.places import SHIPPED


class IntakeOption(NamedTuple):
    """One option, and the kinds that have it."""

    name: str
    annotation: Any
    default: Any
    description: str
    kinds: tuple[str, ...]

    @property
    def whose(self) -> str:
        """The data that it is for: `images and series`."""
        return " and ".join(Kind(name).spec.NOUN for name in self.kinds)

    @property
    def flag(self) -> str:
        """As it is written on a command line."""
        return f"--{self.name.replace('_', '-')}"


def intake_options(*, shipped: bool = False) -> list[IntakeOption]:
    """The options of all kinds, or of the shipped ones, each once, those of one kind together."""
    found: dict[str, IntakeOption] = {}
    for each in taking(shipped=shipped):
        for name, field in each.take.Options.model_fields.items():
            if not field.description:
                continue
            kinds = (*found[name].kinds, each.name) if name in found else (each.name,)
            found[name] = IntakeOption(name, field.annotation, field.default, field.description, kinds)
    return sorted(found.values(), key=lambda option: option.kinds)


def taking(*, shipped: bool = False) -> list[Kind]:
    """The kinds that can take a user's files in; one whose `take.py` is broken is told of once, and left out.

    Args:
        shipped: no other, so that nothing of a project or of a distribution is imported.
    """
    found = []
    for name, place in sorted(catalog.places("kinds").items()):
        if shipped and place.origin != SHIPPED:
            continue
        try:
            catalog.part("kinds", name, "take")
            found.append(Kind(name))
        except UserError as error:
            sources.tell_once(str(error))
    return found


def given_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were given, and not left as they are by themselves: Prefect hands on the options of every kind."""
    defaults = {option.name: option.default for option in intake_options()}
    return {name: value for name, value in options.items() if value is not None and value != defaults.get(name)}


def forms() -> str:
    """What a user's files of each kind are, in words."""
    return ", or ".join(each.take.FORM for each in taking())


def choose_kind(path: Path, asked: str, given: Mapping[str, Any]) -> Kind:
    """The kind of what lies at `path`: the one that is asked for, else the one that recognises it.

    Args:
        given: the options that the user gave; one that names more of the user's files says whose they are.

    Raises:
        UserError: none recognises it, or more than one does; there is no such kind.
    """
    if asked:
        if asked not in (names := catalog.names("kinds")):
            raise UserError(f"--kind {asked}: there is no such kind of data; {closest(asked, names)}")
        return Kind(asked)
    paths = [name for name, value in given.items() if isinstance(value, Path)]
    if owners := [each for each in taking() if paths and {*paths} <= {*each.take.Options.model_fields}]:
        return owners[0]
    claims, refusals = _recognised(path)
    if len(claims) == 1:
        return next(iter(claims))
    if len(claims) > 1:
        told = ", or ".join(f"{each.take.FORM}, since {reason}" for each, reason in claims.items())
        remedy = " or ".join(f"--kind {each.name}" for each in claims)
        raise UserError(f"{as_text(path)} may be {told}.", expected="one kind of data", remedy=f"say which: {remedy}")
    if refusals:
        raise refusals[0]
    raise UserError(f"{as_text(path)} is no data of a kind that is known.", expected=forms())


def _recognised(path: Path) -> tuple[dict[Kind, str], list[UserError]]:
    """Which kinds recognise a path, and why; and what those say that would have it but for something wrong with it."""
    claims: dict[Kind, str] = {}
    refusals: list[UserError] = []
    for each in taking():
        try:
            if reason := each.take.recognise(path):
                claims[each] = reason
        except UserError as error:
            refusals.append(error)
    return claims, refusals


def parse_options(of: Kind, path: Path, given: Mapping[str, Any]) -> BaseModel:
    """The options of a kind.

    Raises:
        UserError: one belongs to other kinds, or has a value that it can't have.
    """
    part = of.take
    if foreign := next((name for name in given if name not in part.Options.model_fields), None):
        raise _foreign(of, path, foreign, given[foreign])
    try:
        return part.Options.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UserError(f"{_written(name, given[name])}: {first['msg']}") from None


def _foreign(of: Kind, path: Path, name: str, value: Any) -> UserError:
    others = [each for each in taking() if name in each.take.Options.model_fields]
    if not others:
        known = [option.name for option in intake_options()]
        return UserError(f"There is no option '{name}'; {closest(name, known)}")
    extra = others[0].take.Options.model_fields[name].json_schema_extra
    needs = extra.get("needs") if isinstance(extra, dict) else None
    whose = " and ".join(each.spec.NOUN for each in others)
    why = f"{of.spec.NOUN} have no {needs}" if needs else f"it is an option of {whose}"
    return UserError(
        f"{_written(name, value)} with {of.take.FORM}: {why}.",
        remedy=f"leave out --{name.replace('_', '-')}, or, if {as_text(path.name)} holds {whose}, "
        f"say so: --kind {others[0].name}",
    )


def _written(name: str, value: Any) -> str:
    word = f"--{name.replace('_', '-')}"
    values = value if isinstance(value, tuple | list) else () if value is True else (value,)
    return " ".join([word, *(as_text(str(each)) for each in values[:1])])
