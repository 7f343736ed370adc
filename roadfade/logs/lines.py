"""How a line of the log looks: JSON for machines, words for a terminal; the same fields in both."""

import logging
import re
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO, assert_never

import structlog

from roadfade.logs.errors import describe_error

Form = Literal["console", "json"]
FormSetting = Literal["auto", "console", "json"]

# Sequences that move a terminal, and whatever else no line of text holds.
ESCAPES: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b."
)
CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def form_of(setting: FormSetting, stream: TextIO) -> Form:
    """The form that a setting means: by itself, words if a person watches, else JSON."""
    if setting == "auto":
        return "console" if stream.isatty() else "json"
    return setting


def formatter(
    form: Form, process: Callable[[], Mapping[str, str]], *, colours: bool = False
) -> logging.Formatter:
    """A formatter of the standard logging. ``process`` says who logs, asked for each line."""

    def complete(_: Any, __: str, line: MutableMapping[str, Any]) -> dict[str, Any]:
        record: logging.LogRecord = line["_record"]
        found: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            **process(),
            "event": _plain(line["event"]),
            "logger": record.name,
        }
        for name, value in record.__dict__.get("facts", {}).items():
            found[name] = _plain(value) if isinstance(value, str) else value
        error = error_in(record)
        if error:
            found["exception"] = _plain(error)
        more = record.__dict__.get("more", 0)
        return found | ({"more": more} if more else {})

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[complete], processors=[_renderer(form, colours)]
    )


def error_in(record: logging.LogRecord) -> str:
    """What a record tells of an error; empty if of none."""
    told: str = record.__dict__.get("told_error", "")
    if not told and record.exc_info and record.exc_info[1] is not None:
        told = describe_error(record.exc_info[1])
    return told


def _renderer(form: Form, colours: bool) -> Any:  # noqa: FBT001  # private, by name at its call
    match form:
        case "json":
            return structlog.processors.JSONRenderer(ensure_ascii=False)
        case "console":
            return _words(colours)
        case _:
            assert_never(form)


def _words(colours: bool) -> Any:  # noqa: FBT001  # as above
    render = structlog.dev.ConsoleRenderer(
        colors=colours, timestamp_key="time", sort_keys=False, pad_event_to=16
    )

    def words(logger: Any, name: str, line: dict[str, Any]) -> str:
        # The instance names the role, too; a sentence of the log needs no module beside it.
        shown = {name: value for name, value in line.items() if name not in {"role", "logger"}}
        error = shown.pop("exception", None)
        return str(render(logger, name, shown | ({"error": error} if error else {})))

    return words


def _utc(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _plain(text: str) -> str:
    """The text as one line that moves nothing on a terminal."""
    return CONTROLS.sub(" ", ESCAPES.sub("", text)).strip()
