"""Where each setting comes from, and which variables look like settings and are none. Pure but one.

The order is that of ``Settings``: environment, then roadfade.toml, then the default.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import AliasChoices

from policy.vocabulary.nearest import nearest
from roadfade.settings import Settings

PREFIX: Final = "ROADFADE_"
FILE: Final = "roadfade.toml"
OTHERS: Final = frozenset(
    {"ROADFADE_BASE", "ROADFADE_PROOF_TIMES", "ROADFADE_TESTS_WITHOUT_BROKER"}
)
"""Variables of the compose file and of the tests, which are no settings of a process."""


class Origin(NamedTuple):
    """Where a value comes from: the variable or the file, empty for a default."""

    kind: Literal["default", "toml", "environment"]
    source: str


def names_of(setting: str) -> tuple[str, ...]:
    """The names that a setting has outside, the one that counts first."""
    alias = Settings.model_fields[setting].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices)
    return (PREFIX + setting.upper(),)


def strangers(environment: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Variables with our prefix that are no setting, each with the nearest that is."""
    known = {name for setting in Settings.model_fields for name in names_of(setting)}
    for name in environment:
        if name.upper().startswith(PREFIX) and name.upper() not in known | OTHERS:
            yield name, nearest(name.upper(), known, alike=0.8)


def fault_in_words(kind: str, path: Sequence[int | str], message: str) -> str:
    """What is wrong with a setting, as pydantic tells it: which one, where it stands, the remedy.

    A variable that is no setting is no fault, so what is too much stands in roadfade.toml.
    """
    name = "_".join(map(str, path))
    if kind == "extra_forbidden":
        near = nearest(name, set(Settings.model_fields), alike=0.8)
        hint = "remove it" if near is None else f"write {near}, or remove it"
        return f"{Path(FILE).absolute()}: {name} is no setting: {hint}"
    origin = origins(os.environ).get(name)
    in_file = origin is not None and origin.kind == "toml"
    place = f" in {Path(FILE).absolute()}" if in_file else ""
    return f"setting {PREFIX}{name.upper()}{place}: {message}"


def origins(environment: Mapping[str, str]) -> dict[str, Origin]:
    """The origin of every setting; reads roadfade.toml in the working folder."""
    file = Path(FILE)
    in_file = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    by_name = {name.upper(): name for name in environment}
    found = {}
    for setting in Settings.model_fields:
        variables = [by_name[name] for name in names_of(setting) if name in by_name]
        if variables:
            found[setting] = Origin("environment", variables[0])
        elif {setting, *names_of(setting)} & in_file.keys():
            found[setting] = Origin("toml", str(file.absolute()))
        else:
            found[setting] = Origin("default", "")
    return found
