"""A capture that ends before its own end says so, however it was cut."""

import gc
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.logs.capture import Capture
from ingest.logs.ends import End, mf4_end
from ingest.refused import Refused
from tests.ingest.captures import GNSS_LOG, GNSS_LOG_EARLIER, needs, own_drive, write


def ends(path: Path) -> str:
    """What reading to the end says of it: ``whole``, ``cut`` or ``refused``."""
    capture = Capture(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # asammdf warns of what it could not read
            list(capture.frames())
    except Refused:
        return "refused"
    finally:
        gc.collect()
    return "cut" if capture.counts.truncated else "whole"


def cuts(whole: bytes, count: int = 8) -> Iterator[bytes]:
    for n in range(1, count):
        yield whole[: len(whole) * n // count]
    yield whole[:-1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # asammdf's __del__
@pytest.mark.parametrize("name", ["drive.blf", "drive.mf4"])
def test_wherever_a_binary_log_is_cut_it_says_so(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, own_drive(200))
    whole = path.read_bytes()
    assert ends(path) == "whole"
    for part in cuts(whole):
        path.write_bytes(part)
        assert ends(path) != "whole", len(part)


def test_a_blf_that_was_never_closed_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "drive.blf", own_drive(50))
    whole = bytearray(path.read_bytes())
    whole[16:24] = (144).to_bytes(8, "little")  # as a logger leaves it that loses its power
    path.write_bytes(whole)
    assert ends(path) == "cut"


def block(kind: bytes, links: list[int], data: bytes) -> bytes:
    length = 24 + 8 * len(links) + len(data)
    return struct.pack(f"<4sIQQ{len(links)}Q", kind, 0, length, len(links), *links) + data


def unfinished(records: bytes) -> bytes:
    """As a logger streams it (ASAM MDF 4.1): no counters, no length, records to the end.

    Records are an id and three bytes (1), or an id, a length and as much (2).
    """
    at_group, at_first, at_second = 168, 232, 336
    at_data = at_second + 104
    group = block(b"##DG", [0, at_first, at_data, 0], b"\1" + bytes(7))
    first = block(b"##CG", [at_second] + [0] * 5, struct.pack("<QQHHIII", 1, 0, 6, 46, 0, 3, 0))
    second = block(b"##CG", [0] * 6, struct.pack("<QQHHIII", 2, 0, 1, 0, 0, 0, 0))
    head = (b"UnFinMF 4.11    " + bytes(44) + b"\x25\0\0\0").ljust(64, b"\0")
    header = block(b"##HD", [at_group] + [0] * 5, bytes(32))
    data = struct.pack("<4sIQQ", b"##DT", 0, 24, 0)
    return (
        head + header + group.ljust(64, b"\0") + first.ljust(104, b"\0")
        + second.ljust(104, b"\0") + data + records
    )  # fmt: skip


def test_an_mf4_that_was_never_finished_is_measured_by_its_records(tmp_path: Path) -> None:
    path = tmp_path / "x.mf4"
    records = [b"\1abc", b"\2\5\0\0\0hello", b"\1abc"]
    ends_of_records = {0, 4, 14, 18}
    for kept in range(19):
        path.write_bytes(unfinished(b"".join(records)[:kept]))
        assert (mf4_end(path) is End.WHOLE) == (kept in ends_of_records), kept
    path.write_bytes(unfinished(b"\7abc"))
    assert mf4_end(path) is End.CUT
    for kept in (64, 200, 300, 400):
        path.write_bytes(unfinished(b"")[:kept])
        assert mf4_end(path) is End.HEADLESS, kept


@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_LOG_EARLIER)
@pytest.mark.parametrize("log", [GNSS_LOG, GNSS_LOG_EARLIER], ids=["later", "earlier"])
def test_a_recorded_mf4_that_was_cut_says_so(tmp_path: Path, log: Path) -> None:
    whole = log.read_bytes()
    path = tmp_path / "x.mf4"
    path.write_bytes(whole)
    assert ends(path) == "whole"
    for kept in (len(whole) - 1, len(whole) * 9 // 10):
        path.write_bytes(whole[:kept])
        assert ends(path) == "cut"
    path.write_bytes(whole[: len(whole) // 20])
    assert ends(path) == "refused"
