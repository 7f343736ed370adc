"""The one place where logging is set up: for a process, for as long as it runs.

Everything goes to standard error through one handler, the libraries' lines included. A process
says here that it did not start, failed or stopped; its other events it tells by itself.
"""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from roadfade.logs.errors import mask_arguments
from roadfade.logs.events import Event, Fact, tell
from roadfade.logs.lines import form_of, formatter
from roadfade.logs.repeats import RepeatLimit
from roadfade.settings import Settings

OURS: Final = ("roadfade", "bus", "sinks", "office", "ingest")
"""Of these, information is told, too; of every library only warnings."""
FAILS: Final = 1
logger = logging.getLogger(__name__)


class Named:
    """Who logs: a role, and since it is known which of several, an instance."""

    def __init__(self, role: str) -> None:
        self._said = {"role": role, "instance": role}
        self.started = False

    def __call__(self) -> dict[str, str]:
        """The fields of a line."""
        return self._said

    def start(self, instance: str, **facts: Fact) -> None:
        """Say that it started. From now on this is the instance: its name as ``status`` has it."""
        self._said = {**self._said, "instance": instance}
        self.started = True
        tell(logger, Event.STARTED, **facts)


@contextmanager
def process_log(
    settings: Settings,
    role: str,
    refusals: tuple[type[Exception], ...] = (),
    stream: TextIO | None = None,
) -> Iterator[Named]:
    """Set logging up, and take it down. SystemExit if the block ends with an error.

    ``refusals`` are errors whose text is a sentence for the operator.
    The error's trace is not printed as Python does it: its text may quote what it was about.
    """
    out = sys.stderr if stream is None else stream
    form = form_of(settings.log_format, out)
    named = Named(role)
    lines = logging.StreamHandler(out)
    lines.setFormatter(formatter(form, named, colours=form == "console" and out.isatty()))
    handler = RepeatLimit(lines, settings.log_repeats_max)
    handler.addFilter(mask_arguments)
    root = logging.getLogger()
    before = root.level, {name: logging.getLogger(name).level for name in OURS}
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    threads, threading.excepthook = threading.excepthook, _thread_failed
    try:
        with _told(named, refusals, handler):
            yield named
    finally:
        threading.excepthook = threads
        logging.captureWarnings(capture=False)
        root.removeHandler(handler)
        root.setLevel(before[0])
        for name, level in before[1].items():
            logging.getLogger(name).setLevel(level)
        handler.close()


@contextmanager
def _told(
    named: Named, refusals: tuple[type[Exception], ...], handler: logging.Handler
) -> Iterator[None]:
    """Say how the block ended, in the last line."""
    try:
        try:
            yield
        finally:
            handler.flush()
    except SystemExit as ended:
        # Faust ends by it, and has said why.
        tell(logger, Event.FAILED if ended.code else Event.STOPPED, code=_number(ended.code))
        raise
    except refusals as refusal:
        tell(logger, Event.FAILED if named.started else Event.NOT_STARTED, why=str(refusal))
        raise SystemExit(FAILS) from None
    except Exception as error:  # whatever it is, the process ends by it
        about = (Event.FAILED, None)
        logger.exception(str(Event.FAILED), exc_info=error, extra={"about": about})
        raise SystemExit(FAILS) from None
    else:
        tell(logger, Event.STOPPED, code=0)


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """In place of Python's own, which prints the error's text."""
    name = "" if failed.thread is None else failed.thread.name
    logger.error("a thread ended by an error: %s", name, exc_info=failed.exc_value)


def _number(code: object) -> int:
    """The exit code that SystemExit stands for."""
    return code if isinstance(code, int) else int(code is not None)
