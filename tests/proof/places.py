"""Where marks are looked for: every file of a folder, a broker's records among them, and memory.

In: needles, a folder or a process. Out: the names of those that are there. What goes meanwhile is not.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bus.client.unpacking import BATCH_BYTES_MAX, UnpackingError, unpack_zstd
from tests.proof.needles import Needles

CHUNK_BYTES: Final = 1 << 22
_BATCH_HEAD_BYTES: Final = 61
"""Of a record batch (Kafka's message format 2); then its records, packed as the head says."""
_ZSTD: Final = 4


def files_in(folder: Path) -> list[Path]:
    """Every file below it."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def in_files(folder: Path, needles: Needles) -> set[str]:
    """What is in the files below it, their names included, and in records of a broker's segments."""
    found = set[str]()
    for path in files_in(folder):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # what is spilled, or compacted, comes and goes
        found |= needles.names_in(str(path).encode() + content)
        if path.suffix in (".log", ".deleted", ".cleaned", ".swap"):
            for records in unpacked(content):
                found |= needles.names_in(records)
    return found


def unpacked(segment: bytes) -> Iterator[bytes]:
    """The records of each batch of a segment that a producer has packed."""
    at = 0
    while at + _BATCH_HEAD_BYTES <= len(segment):
        (length,) = struct.unpack_from("!i", segment, at + 8)
        magic, (attributes,) = segment[at + 16], struct.unpack_from("!h", segment, at + 21)
        if magic != 2 or length <= 0:
            return  # no segment, or the room that is kept behind its end
        end = at + 12 + length
        if attributes & 7 == _ZSTD:
            with suppress(UnpackingError):
                yield unpack_zstd(segment[at + _BATCH_HEAD_BYTES : end], BATCH_BYTES_MAX)
        at = end


def in_memory(process: int, needles: Needles) -> tuple[set[str], int]:
    """What a process's memory holds, every page of its own that can be read; and how many bytes."""
    found, searched = set[str](), 0
    place = Path(f"/proc/{process}")
    maps = (place / "maps").read_text().splitlines()
    with (place / "mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            begin, end = (int(one, 16) for one in span.split("-"))
            if rights.startswith("rw") and "[v" not in line:
                names, size = _in_span(memory, begin, end, needles)
                found |= names
                searched += size
    return found, searched


def _in_span(memory: Any, begin: int, end: int, needles: Needles) -> tuple[set[str], int]:
    found, before, searched = set[str](), b"", 0
    while begin < end:
        try:
            memory.seek(begin)
            chunk = memory.read(min(CHUNK_BYTES, end - begin))
        except OSError:
            break  # a guard page, or it went meanwhile
        if not chunk:
            break
        found |= needles.names_in(before + chunk)
        searched += len(chunk)
        before, begin = chunk[-needles.longest :], begin + len(chunk)
    return found, searched
