"""The real broker of a test run, and the rule that its absence is never silent."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadfade.local.broker import LocalBroker
from roadfade.local.failure import LocalError
from roadfade.local.java import find_java, kafka_libs

WITHOUT_BROKER = "ROADFADE_TESTS_WITHOUT_BROKER"
HEAP_MAX_MIB = 256


def libs_and_java() -> tuple[Path, Path]:
    """What a broker runs on; if it is missing, the test fails, or skips if configured so."""
    if os.environ.get(WITHOUT_BROKER) == "1":
        pytest.skip(f"{WITHOUT_BROKER}=1: tests with a real broker were switched off")
    try:
        return kafka_libs(), find_java()
    except LocalError as error:
        pytest.fail(f"{error} (or set {WITHOUT_BROKER}=1 to leave these tests out)", pytrace=False)


def new_broker(data_dir: Path) -> LocalBroker:
    """A broker that is not started."""
    libs, java = libs_and_java()
    return LocalBroker(data_dir, libs, java=java, heap_max_mib=HEAP_MAX_MIB)


def running_broker(data_dir: Path) -> Iterator[LocalBroker]:
    """One started broker, stopped at the end."""
    with new_broker(data_dir) as broker:
        yield broker
