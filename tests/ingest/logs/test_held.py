"""A capture is read once while it is held, and twice with the same outcome if it is too large."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.can.recording import Recording
from ingest.logs.capture import Capture
from ingest.logs.frame import LoggedFrame
from ingest.logs.held import Held
from telemetry.identity import DeviceId
from telemetry.wire.envelope import encode_envelope
from tests.ingest.captures import ALL_PATHS, CATALOGUE, FORMS, OWN_DBC, OWN_MAP, own_drive, write

FRAMES = st.builds(
    LoggedFrame,
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["", "can0", "1"]),
    st.integers(0, 0x1FFFFFFF),
    st.booleans(),
    st.binary(max_size=64),
    st.sampled_from(["rx", "tx"]),
)


def held(frames: list[LoggedFrame], mib_max: int = 1) -> Held:
    kept = Held(mib_max)
    for frame in frames:
        kept.keep(frame)
    return kept


@given(st.lists(FRAMES, max_size=20))
def test_what_is_held_comes_out_as_it_went_in(frames: list[LoggedFrame]) -> None:
    assert list(held(frames).frames()) == frames
    assert held(frames).whole


FRAME = LoggedFrame(1, "can0", 0x123, ext=False, data=bytes(8), direction="rx")


def test_no_frame_is_held_of_a_capture_that_takes_more() -> None:
    fit = (1024 * 1024 - 300) // 21
    assert held([FRAME] * fit).whole
    kept = held([FRAME] * (fit + 1))
    assert not kept.whole
    kept.keep(FRAME)
    assert list(kept.frames()) == []


@pytest.mark.parametrize("t_us", [2**63, -(2**63) - 1])
def test_a_stamp_that_no_column_holds_is_read_again(t_us: int) -> None:
    assert not held([FRAME, FRAME._replace(t_us=t_us)]).whole


def test_each_sender_counts_for_what_it_takes() -> None:
    assert not held([FRAME._replace(id=n) for n in range(5_000)]).whole
    assert held([FRAME] * 5_000).whole


@pytest.mark.parametrize("name", FORMS)
def test_a_file_is_read_once_and_a_large_one_twice_with_the_same_envelopes(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.dbc").write_text(OWN_DBC)
    (tmp_path / "own.yaml").write_text(OWN_MAP)
    log = write(tmp_path / name, own_drive())
    reads: list[Path] = []
    frames = Capture.frames

    def counted(self: Capture) -> Iterator[LoggedFrame]:
        reads.append(self.path)
        return frames(self)

    monkeypatch.setattr(Capture, "frames", counted)
    found = []
    for mib_max, times in ((256, 1), (0, 2)):
        reads.clear()
        taken = Recording(
            log, tmp_path / "own.dbc", str(tmp_path / "own.yaml"), CATALOGUE, held_mib_max=mib_max
        )
        envelopes = taken.envelopes(DeviceId("d"), ALL_PATHS, 1_795_398_293_000)
        found.append((list(map(encode_envelope, envelopes)), taken.counts, taken.capture.counts))
        assert len(reads) == times
    assert found[0] == found[1]
    assert found[0][0]
