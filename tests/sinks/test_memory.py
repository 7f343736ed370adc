import pytest

from sinks.memory import MemorySink, MemoryStore
from tests.sinks.anew import AnewContract
from tests.sinks.contract import Restart, SinkContract
from tests.sinks.erasing import ErasingContract, Judging
from tests.sinks.holding import HoldContract
from tests.sinks.records import OUTPUTS
from tests.sinks.restating import RestateContract


class TestMemorySink(SinkContract, RestateContract, AnewContract, ErasingContract, HoldContract):
    @pytest.fixture
    def restart(self) -> Restart:
        store = MemoryStore()
        return lambda: MemorySink(store, OUTPUTS)

    @pytest.fixture
    def judging(self) -> Judging:
        store = MemoryStore()
        return lambda judge: MemorySink(store, OUTPUTS, judge)
