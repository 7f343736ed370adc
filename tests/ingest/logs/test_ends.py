"""A capture that ends before its own end says so, however it was cut."""

import gc
import random
import struct
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from ingest.logs.capture import Capture
from ingest.logs.ends import End, mf4_end, mf4_unfinished
from ingest.logs.frame import LoggedFrame
from ingest.refused import Refused
from tests.ingest.captures import GNSS_LOG, GNSS_LOG_EARLIER, needs, own_drive, write


def ends(path: Path) -> str:
    """What reading to the end says of it: ``whole``, ``unfinished``, ``cut`` or ``refused``."""
    capture = Capture(path)
    try:
        list(capture.frames())
    except Refused:
        return "refused"
    if capture.counts.truncated:
        return "cut"
    return "unfinished" if capture.counts.unfinished else "whole"


def cuts(whole: bytes, count: int = 8) -> Iterator[bytes]:
    for n in range(1, count):
        yield whole[: len(whole) * n // count]
    yield whole[:-1]


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


def test_what_a_logger_never_finished_says_so_by_its_first_block(tmp_path: Path) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(20))
    whole = path.read_bytes()
    assert ends(path) == "whole"
    # ASAM MDF 4.1, IDBLOCK: the mark, or flags of what its writer has left to do.
    for at, said in ((0, b"UnFinMF "), (60, b"\1\0"), (62, b"\0\1")):
        path.write_bytes(whole[:at] + said + whole[at + len(said) :])
        assert mf4_unfinished(path), said
    path.write_bytes(whole)
    assert not mf4_unfinished(path)


def between_records(path: Path, whole: bytes) -> Iterator[Path]:
    """The file cut where its records say that nothing is missing, some hundred bytes apart."""
    for kept in range(len(whole) - 400, len(whole) - 1):
        path.write_bytes(whole[:kept])
        if mf4_end(path) is End.WHOLE:
            yield path


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_told_in_our_words_alone(
    tmp_path: Path, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(30))
    whole = path.read_bytes()
    chance = random.Random(seed)
    for _ in range(12):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30))):
            damaged[chance.randrange(64, len(whole))] = chance.randrange(256)
        at = chance.randrange(64, len(whole))
        path.write_bytes(damaged if chance.random() < 0.5 else bytes(damaged[:at]))
        assert ends(path) in ("whole", "unfinished", "cut", "refused")
        gc.collect()
        assert capfd.readouterr() == ("", "")


def test_what_the_reader_complains_of_is_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(30))
    # The bytes of a channel's name: the library logs that it lacks the channel, and goes on.
    whole = path.read_bytes().replace(b"CAN_DataFrame.BusChannel", b"CAN_DataFrame.BusChannex")
    path.write_bytes(whole)
    assert ends(path) == "cut"


def test_what_is_none_of_the_readers_business_is_still_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ours:
        def __del__(self) -> None:
            msg = "a failure of ours"
            raise ValueError(msg)

    heard: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    capture = Capture(write(tmp_path / "drive.mf4", own_drive(30)))
    with closing(cast("Generator[LoggedFrame]", capture.frames())) as frames:
        next(frames)
        Ours()
        gc.collect()
    assert len(heard) == 1
    assert sys.unraisablehook == heard.append


@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_LOG_EARLIER)
@pytest.mark.parametrize("log", [GNSS_LOG, GNSS_LOG_EARLIER], ids=["later", "earlier"])
def test_a_recorded_mf4_that_was_cut_says_so(tmp_path: Path, log: Path) -> None:
    whole = log.read_bytes()
    path = tmp_path / "x.mf4"
    path.write_bytes(whole)
    assert ends(path) == "unfinished"
    for kept in (len(whole) - 1, len(whole) * 9 // 10):
        path.write_bytes(whole[:kept])
        assert ends(path) == "cut"
    # Between two records nothing is cut, and only its first bytes tell that more may be missing.
    said = {ends(cut) for cut in between_records(path, whole)}
    assert "unfinished" in said
    assert said <= {"unfinished", "cut"}
    path.write_bytes(whole[: len(whole) // 20])
    assert ends(path) == "refused"


def channels(whole: bytes) -> Iterator[int]:
    """Where the data of each channel's block begin (ASAM MDF 4.1, CNBLOCK)."""
    at = whole.find(b"##CN")
    while at >= 0:
        [links] = struct.unpack_from("<Q", whole, at + 16)
        yield at + 24 + 8 * links
        at = whole.find(b"##CN", at + 1)


def test_an_mf4_with_a_channel_beyond_its_record_is_refused(tmp_path: Path) -> None:
    # asammdf would read past the record, and the process end by a signal.
    path = write(tmp_path / "drive.mf4", own_drive(3))
    whole = path.read_bytes()
    assert mf4_end(path) is End.WHOLE
    for body in channels(whole):
        for place, value in ((4, 0x80000), (8, 0x80000)):  # the first byte, the length in bits
            broken = bytearray(whole)
            struct.pack_into("<L", broken, body + place, value)
            path.write_bytes(broken)
            assert mf4_end(path) is End.HEADLESS
            assert ends(path) == "refused"
