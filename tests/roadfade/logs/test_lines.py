"""One line of a log: its fields, and what never stands in it."""

import io
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from bus.failures import SendFailedError
from roadfade.logs.events import Event, tell
from roadfade.logs.lines import Form, form_of, formatter
from roadfade.refusal import NotReady

logger = logging.getLogger("roadfade.lines")
AT_S = datetime(2026, 11, 29, 20, 12, 35, 123_000, UTC).timestamp()
CANARY = "4111-canary"


def line(log: Callable[[], None], form: Form = "json") -> str:
    """What one call on the logger leaves as a line."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    named = {"role": "worker", "instance": "worker-0"}
    handler.setFormatter(formatter(form, lambda: named))

    def date(record: logging.LogRecord) -> bool:
        record.created = AT_S
        return True

    handler.addFilter(date)
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False
    logger.setLevel(logging.INFO)
    try:
        log()
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
    return out.getvalue()


def test_a_line_has_level_utc_time_process_event_and_facts() -> None:
    text = line(lambda: tell(logger, Event.PAUSED, reason="stale control.links"))
    assert text.count("\n") == 1
    assert json.loads(text) == {
        "time": "2026-11-29T20:12:35.123Z",
        "level": "warning",
        "role": "worker",
        "instance": "worker-0",
        "event": "paused",
        "logger": "roadfade.lines",
        "reason": "stale control.links",
    }


def test_on_a_console_the_same_stands_in_words() -> None:
    text = line(lambda: tell(logger, Event.ASSIGNED, partitions="a/0,1"), "console")
    for part in ("20:12:35.123Z", "info", "worker-0", "assigned", "partitions=a/0,1"):
        assert part in text
    assert "\x1b" not in text


def test_a_library_is_told_in_the_same_form() -> None:
    text = line(lambda: logger.warning("lost %s of %d", "node", 3))
    found = json.loads(text)
    assert (found["event"], found["instance"]) == ("lost node of 3", "worker-0")


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_moves_a_terminal_or_breaks_a_line_is_taken_out(form: Form) -> None:
    text = line(lambda: logger.warning("\x1b[?25h\x1b]0;title\x07one\r\ntwo\x00\x9b2J"), form)
    assert text.count("\n") == 1
    assert all(ord(one) >= 32 and not 127 <= ord(one) < 160 for one in text[:-1])
    assert "one two" in text


def fail(error: BaseException) -> None:
    raise error


def failing(error: BaseException) -> Callable[[], None]:
    def log() -> None:
        try:
            fail(error)
        except BaseException:  # what is tried is the log
            logger.error("it failed", exc_info=True)  # noqa: G201  # as libraries do

    return log


def test_the_text_of_an_error_that_is_not_ours_is_never_told() -> None:
    for error in (ValueError(CANARY), msgspec.ValidationError(CANARY), KeyError(CANARY)):
        text = line(failing(error))
        assert CANARY not in text
        told = json.loads(text)["exception"]
        assert told.startswith(type(error).__name__)
        assert "logs/test_lines.py" in told


def test_our_own_errors_and_the_systems_say_what_is_wrong() -> None:
    for error, said in (
        (NotReady("start the office"), "start the office"),
        (OSError(28, "No space left", f"/lake/{CANARY}"), "No space left"),
    ):
        text = line(failing(error))
        assert said in json.loads(text)["exception"]
        assert CANARY not in text


def test_the_causes_of_an_error_are_told_and_its_group() -> None:
    def log() -> None:
        try:
            try:
                fail(ValueError(CANARY))
            except ValueError as cause:
                raise SendFailedError from cause
        except SendFailedError as error:
            group = ExceptionGroup(CANARY, [error, KeyError(CANARY)])
            logger.critical("ended", exc_info=group)

    told = json.loads(line(log))["exception"]
    assert [
        name in told for name in ("ExceptionGroup", "SendFailedError", "ValueError", "KeyError")
    ]
    assert CANARY not in told


def test_the_form_follows_the_terminal_unless_it_is_set() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert form_of("auto", Terminal()) == "console"
    assert form_of("auto", io.StringIO()) == "json"
    assert form_of("json", Terminal()) == "json"
    assert form_of("console", io.StringIO()) == "console"


def test_every_event_has_a_level() -> None:
    for event in Event:
        found = json.loads(line(lambda event=event: tell(logger, event)))  # type: ignore[misc]
        assert found["level"] in {"info", "warning", "error"}
        assert found["event"] == event


def test_nothing_is_configured_by_an_import() -> None:
    assert "structlog" in sys.modules
    import structlog  # noqa: PLC0415  # after the module under test

    assert not structlog.is_configured()
