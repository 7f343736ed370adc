"""Logging is set up once, for a process, and says how the process ended."""

import asyncio
import gc
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from roadfade.logs.events import Event, tell
from roadfade.logs.process_log import process_log
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings

CANARY = "4111-canary"
SETTINGS = Settings(log_repeats_max=2)


def fail(error: BaseException) -> None:
    raise error


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(one) for one in out.getvalue().splitlines()]


def test_our_information_and_the_warnings_of_libraries_are_told() -> None:
    out = io.StringIO()
    with process_log(SETTINGS, "worker", stream=out) as named:
        named.start("worker-1", version="0.1.0")
        logging.getLogger("roadfade.x").info("ours")
        logging.getLogger("aiokafka.x").info("theirs")
        logging.getLogger("aiokafka.x").warning("theirs, and a warning")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("a warning of Python", stacklevel=1)
    assert [one["event"].partition("\n")[0] for one in lines(out)][:3] == [
        "started", "ours", "theirs, and a warning",
    ]  # fmt: skip
    assert "a warning of Python" in lines(out)[3]["event"]
    assert lines(out)[-1]["event"] == Event.STOPPED
    assert {(one["role"], one["instance"]) for one in lines(out)} == {("worker", "worker-1")}


def test_afterwards_nothing_is_set_up() -> None:
    root, ours = logging.getLogger(), logging.getLogger("roadfade")
    before = list(root.handlers), root.level, ours.level
    with process_log(SETTINGS, "sink", stream=io.StringIO()):
        assert root.handlers != before[0]
    assert (list(root.handlers), root.level, ours.level) == before


@pytest.mark.parametrize(("started", "event"), [(False, "not started"), (True, "failed")])
def test_a_refusal_is_told_with_its_remedy(started: bool, event: str) -> None:  # noqa: FBT001
    out = io.StringIO()

    def work() -> None:
        with process_log(SETTINGS, "sink", (Refusal,), out) as named:
            if started:
                named.start("sink")
            fail(NotReady("start the broker"))

    with pytest.raises(SystemExit) as ended:
        work()
    assert ended.value.code == 1
    assert lines(out)[-1] | {"why": "start the broker"} == lines(out)[-1]
    assert (lines(out)[-1]["event"], lines(out)[-1]["level"]) == (event, "error")


def test_an_error_is_told_without_its_text_and_python_prints_no_trace() -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended, process_log(SETTINGS, "office", stream=out):
        raise ValueError(CANARY)
    assert ended.value.code == 1
    assert ended.value.__suppress_context__
    assert CANARY not in out.getvalue()
    assert lines(out)[-1]["event"] == Event.FAILED
    assert lines(out)[-1]["exception"].startswith("ValueError (")


@pytest.mark.parametrize(("code", "event"), [(0, "stopped"), (None, "stopped"), (1, "failed")])
def test_an_exit_keeps_its_code(code: int | None, event: str) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended, process_log(SETTINGS, "worker", stream=out):
        raise SystemExit(code)
    assert ended.value.code == code
    assert lines(out)[-1]["event"] == event


def test_what_a_library_fills_into_its_message_is_masked() -> None:
    out = io.StringIO()
    with process_log(SETTINGS, "worker", stream=out):
        logging.getLogger("mode").error(
            "Crashed reason=%r of %s", ValueError(CANARY), CANARY.encode()
        )
    assert lines(out)[0]["event"] == "Crashed reason='ValueError' of 11 bytes"


def test_an_error_in_a_thread_or_a_task_is_told_without_its_text() -> None:
    out = io.StringIO()

    async def forgotten() -> None:
        task = asyncio.ensure_future(asyncio.to_thread(fail, ValueError(CANARY)))
        await asyncio.wait((task,))
        del task
        gc.collect()

    with process_log(SETTINGS, "worker", stream=out):
        thread = threading.Thread(target=fail, args=(ValueError(CANARY),), name="a thread")
        thread.start()
        thread.join()
        asyncio.run(forgotten())
    first, second, *_ = lines(out)
    assert first["event"] == "a thread ended by an error: a thread"
    assert second["event"] == "Task exception was never retrieved"
    assert all("ValueError" in one["exception"] for one in (first, second))
    assert CANARY not in out.getvalue()


def test_repeats_are_counted_as_the_setting_says() -> None:
    out = io.StringIO()
    with process_log(SETTINGS, "worker", stream=out):
        for _ in range(5):
            tell(logging.getLogger("roadfade.x"), Event.PAUSED, reason="stale")
    assert [one.get("more", 0) for one in lines(out)] == [0, 0, 2, 0]


def test_importing_the_processes_sets_nothing_up(tmp_path: Path) -> None:
    ask = """
import logging
import roadfade.processes.office.process, roadfade.processes.sink.process, roadfade.processes.sweep.process
import roadfade.processes.worker.process, roadfade.logs.process_log, structlog
assert not structlog.is_configured()
ours = [logging.getLogger(name) for name in ("roadfade", "bus", "sinks", "office")]
assert all(one.handlers == [] and one.level == 0 for one in [logging.getLogger("roadfade"), *ours])
assert logging.getLogger().handlers == []
"""
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
