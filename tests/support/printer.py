"""A document back to texts: ``parse(print_files(d)) == d``, comments and layout left behind."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel

from policy.language.document import Document, Sheet

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./@()-]*( [A-Za-z0-9_./@()-]+)*")
_WORDS_OF_YAML: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def print_files(document: Document) -> dict[str, str]:
    """The document's files by name, each in one layout."""
    sheets: tuple[Sheet[Any], ...] = (
        document.policy,
        document.authorities,
        document.clauses,
        document.profiles,
        document.categories,
        document.precisions,
        *document.purposes,
        *document.notices.values(),
        *document.cases.values(),
    )
    return {sheet.file: print_model(sheet.content) for sheet in sheets}


def print_model(model: BaseModel) -> str:
    """One file's YAML 1.2; what has its default value is left out."""
    values = model.model_dump(by_alias=True, exclude_defaults=True)
    return "".join(f"{line}\n" for line in _mapping(values))


def _mapping(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield from _entry(f"{_scalar(key)}:", value)


def _entry(head: str, value: Any) -> Iterator[str]:
    match value:
        case Mapping() if value:
            yield head
            yield from (f"  {line}" for line in _mapping(value))
        case tuple() | list() if value:
            yield head
            yield from (f"  {line}" for line in _sequence(value))
        case _:
            yield f"{head} {_scalar(value)}"


def _sequence(values: tuple[Any, ...] | list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping) and value:
            first, *rest = _mapping(value)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
        elif isinstance(value, tuple | list) and value:
            first, *rest = _sequence(value)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
        else:
            yield f"- {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
            return value
        return f'"{"".join(_escaped(char) for char in value)}"'
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, tuple | list):
        return "[]"
    return json.dumps(value)


def _escaped(char: str) -> str:
    """A character within double quotes, as YAML 1.2 writes it (JSON lacks the eight-digit form)."""
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08X}"
