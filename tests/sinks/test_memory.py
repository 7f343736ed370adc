import pytest

from sinks.memory import MemorySink, MemoryStore
from tests.sinks.anew import AnewContract
from tests.sinks.contract import Restart, SinkContract
from tests.sinks.erasing import ErasingContract, Judging
from tests.sinks.holding import HoldContract
from tests.sinks.records import OUTPUTS
from tests.sinks.restating import RestateContract
from tests.sinks.restoring import PutBack, RestoreContract


class TestMemorySink(
    SinkContract, RestateContract, AnewContract, ErasingContract, HoldContract, RestoreContract
):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def restart(self, store: MemoryStore) -> Restart:
        return lambda: MemorySink(store, OUTPUTS)

    @pytest.fixture
    def put_back(self, store: MemoryStore) -> PutBack:
        return lambda _now_ms: MemorySink(store.copied(), OUTPUTS)

    @pytest.fixture
    def judging(self) -> Judging:
        store = MemoryStore()
        return lambda judge: MemorySink(store, OUTPUTS, judge)
