from hypothesis import given
from hypothesis import strategies as st

from policy.plan.epochs import epoch_at
from policy.vocabulary.terms import Epoch
from telemetry.instants import parse_instant

EPOCHS = st.one_of(
    st.integers(1, 24).map(Epoch), st.integers(1, 31).map(lambda days: Epoch(0, days))
)


@given(EPOCHS, st.integers(0, 4_000_000_000_000))
def test_an_instant_lies_in_its_epoch_and_epochs_follow_without_a_gap(
    epoch: Epoch, instant_ms: int
) -> None:
    span = epoch_at(epoch, instant_ms)
    assert span.from_ms <= instant_ms < span.to_ms
    assert epoch_at(epoch, span.to_ms).from_ms == span.to_ms
    assert epoch_at(epoch, span.to_ms - 1) == span


def test_an_epoch_is_named_by_its_start_and_length() -> None:
    instant_ms = parse_instant("2026-11-23T09:00:00Z")
    assert epoch_at(Epoch(3), instant_ms).name == "2026-10.3m"
    assert epoch_at(Epoch(0, 1), instant_ms).name == "2026-11-23.1d"
