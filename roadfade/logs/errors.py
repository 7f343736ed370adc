"""An error in one line that quotes nothing: its kind, where it came from, what it was caused by.

The text of an error that is not ours may hold anything, a row or a part of a payload, so it is not
told. Our own errors are written to be read by operators, and the system's have a fixed text.
"""

import logging
import traceback
from pathlib import PurePath
from typing import Final

OURS: Final = frozenset(
    {"telemetry", "policy", "processors", "bus", "sinks", "ingest", "office", "roadfade"}
)
FRAMES_MAX: Final = 12
CAUSES_MAX: Final = 8


def describe_error(error: BaseException) -> str:
    """One line, the causes last."""
    parts: list[str] = []
    waiting: list[BaseException] = [error]
    while waiting and len(parts) < CAUSES_MAX:
        one = waiting.pop(0)
        said = _said(one)
        parts.append(f"{type(one).__name__}{said and f': {said}'} ({_where(one)})")
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        cause = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if cause is not None:
            waiting.append(cause)
    return "; because of ".join(parts)


def _said(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or ""
    return str(error) if type(error).__module__.partition(".")[0] in OURS else ""


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    places = [
        f"{'/'.join(PurePath(one.filename).parts[-2:])}:{one.lineno} {one.name}" for one in frames
    ]
    return " < ".join(reversed(places)) or "no trace"


def mask_arguments(record: logging.LogRecord) -> bool:
    """A filter that lets all pass: what a library fills into its message quotes nothing, either."""
    if record.name == "asyncio":
        # After the first line it describes the task, and quotes its error.
        record.msg, record.args = record.getMessage().partition("\n")[0], None
    if isinstance(record.args, tuple):
        record.args = tuple(map(_masked, record.args))
    return True


def _masked(argument: object) -> object:
    if isinstance(argument, BaseException):
        said = _said(argument)
        return f"{type(argument).__name__}{said and f': {said}'}"
    if isinstance(argument, bytes | bytearray | memoryview):
        return f"{len(argument)} bytes"
    return argument
