"""Model errors to problems: where in the file, what is wrong, what to write instead."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policy.language.fields import PATTERNS
from policy.language.problems import Findings, Places
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.nearest import write_nearest
from policy.vocabulary.words import WordError

Model = TypeVar("Model", bound=BaseModel)

NO_EXAMPLE: Final = "…"
_KINDS: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "date_type": "a date, as 2026-12-01",
}


def validate(
    model: type[Model], file: str, value: Any, places: Places, findings: Findings
) -> Model | None:
    """The model of a file's values, or None after noting every error."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)
        paths = [detail["loc"] for detail in details]
        for detail in details:
            if not (detail["type"] == "too_short" and _has_inner(detail["loc"], paths)):
                _note(model, file, detail, places, findings)
        return None


def _note(
    model: type[BaseModel], file: str, error: ErrorDetails, places: Places, findings: Findings
) -> None:
    path = error["loc"]
    name = next((step for step in reversed(path) if isinstance(step, str)), file)
    given = error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    where = places.where(file, path)
    match error["type"]:
        case "missing":
            where = places.where(file, path[:-1], key=True)
            fields = _fields_at(model, path)
            findings.error(where, f"`{name}` is missing", "", f"add `{name}: {fields.get(name)}`")
        case "extra_forbidden":
            where = places.where(file, path, key=True)
            known = list(_fields_at(model, path))
            remedy = write_nearest(name, known, f"one of: {', '.join(known)}")
            findings.error(where, f"`{name}` is not a key here", "", remedy)
        case "literal_error":
            message = f"`{name}` has no such value"
            findings.error(where, message, given, f"write {context['expected']}")
        case "string_pattern_mismatch":
            message = f"`{name}` is not written as expected"
            findings.error(where, message, given, f"write {PATTERNS[context['pattern']]}")
        case "too_short":
            findings.error(where, f"`{name}` is empty", "", "write at least one")
        case "value_error" if isinstance(context.get("error"), WordError):
            words: WordError = context["error"]
            findings.error(where, f"`{name}`: {words}", _scalar(given), words.remedy)
        case "model_type" if context.get("class_name") == Bilingual.__name__:
            remedy = f"write `{name}: {{ja: …, en: …}}`"
            findings.error(
                where, f"`{name}` needs a Japanese and an English text", _scalar(given), remedy
            )
        case kind if kind in _KINDS:
            example = _fields_at(model, path).get(str(name), NO_EXAMPLE)
            shown = f"`{name}: {example}`" if example.startswith("{") else _KINDS[kind]
            findings.error(
                where, f"`{name}` is not {_KINDS[kind]}", _scalar(given), f"write {shown}"
            )
        case _:
            message = f"`{name}`: {error['msg'].lower()}"
            example = _fields_at(model, path).get(str(name), NO_EXAMPLE)
            remedy = "write a value within these bounds"
            if example != NO_EXAMPLE:
                remedy = f"write a value like `{name}: {example}`"
            findings.error(where, message, _scalar(given), remedy)


def _has_inner(path: tuple[str | int, ...], paths: list[tuple[str | int, ...]]) -> bool:
    """Whether another error lies within: then the list lacks only its wrong items."""
    return any(other != path and other[: len(path)] == path for other in paths)


def _scalar(given: Any) -> Any:
    return "" if isinstance(given, Mapping | tuple) else given


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> dict[str, str]:
    """The keys the model at the path's parent has, with an example of each."""
    for step in path[:-1]:
        inside = _model_in(_annotation(model, step))
        model = inside or model
    return {
        field.alias or name: str(field.examples[0]) if field.examples else NO_EXAMPLE
        for name, field in model.model_fields.items()
    }


def _annotation(model: type[BaseModel], step: str | int) -> Any:
    for name, field in model.model_fields.items():
        if step in (name, field.alias):
            return field.annotation
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model within an annotation, as ``Cell`` in ``dict[str, tuple[Cell, ...]]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(inner) for inner in get_args(annotation))
    return next((inner for inner in found if inner is not None), None)
