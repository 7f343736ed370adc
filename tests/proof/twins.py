"""Whether anybody can tell from a lake that somebody was erased from it, who was never there in its twin.

A distinguisher is a list of figures of a lake, and what it learns is one of them and a direction: it
says that of two twins the one with more (or less) of it is the one of the erased. It learns on half
of the pairs, whichever figure and direction is right most often there, and is judged on the other
half; then the halves change places. If two twins have the same of it, it tosses a coin.
"""

import hashlib
import random
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from sinks.lake.checkpoints import newest, numbers_in
from sinks.lake.lake import Lake
from sinks.lake.layout import read_part
from sinks.lake.part_file import read_footer
from sinks.lake.seal import is_altered
from tests.proof.twin_worlds import SETTINGS, Erase, delete_rows, erase, make_pair
from tests.sinks.records import OUTPUTS

PAIRS: Final = 40
RIGHT_MAX: Final = 25
"""Who tosses coins is right more often in one of 25 times that it is tried."""
NAIVE_MIN: Final = 38
ALLOWED: Final = (
    "positions of topics, and ids that are remembered (in checkpoints)",
    "receipts, the ledger's counts, and what the office has on record",
)
"""What it does not see."""
Figures = Mapping[str, float]


def twins(seed: int) -> dict[str, Any]:
    """Both claims; AssertionError if one does not hold."""
    pairs = _figures(seed, erase)
    naive = _figures(seed, delete_rows)
    right, learned = judged(pairs)
    naive_right, naive_learned = judged(naive)
    found = {
        "pairs": PAIRS,
        "right": right,
        "learned": learned,
        "right_naive_delete": naive_right,
        "learned_naive_delete": naive_learned,
        "figures": len(pairs[0][0]),
        "not_seen": ALLOWED,
        "differ": differing(pairs),
    }
    assert right <= RIGHT_MAX, found
    assert naive_right >= NAIVE_MIN, found
    return found


def _figures(seed: int, way: Erase) -> list[tuple[Figures, Figures]]:
    found = []
    for pair in range(seed, seed + PAIRS):
        with tempfile.TemporaryDirectory() as folder:
            worlds = make_pair(pair, Path(folder), way)
            erased, never = (figures_of(root) for root in worlds)
            found.append((erased, never))
    return found


def judged(pairs: Sequence[tuple[Figures, Figures]]) -> tuple[int, list[str]]:
    """How often it is right of all pairs, and what it learned on either half."""
    half = len(pairs) // 2
    right, learned = 0, list[str]()
    for train, test in ((pairs[:half], pairs[half:]), (pairs[half:], pairs[:half])):
        name, sign = _learned(train)
        learned.append(f"{'more' if sign > 0 else 'less'} {name}")
        coin = random.Random(half)
        right += sum(_is_right(one, name, sign) > coin.random() for one in test)
    return right, learned


def _learned(pairs: Sequence[tuple[Figures, Figures]]) -> tuple[str, int]:
    ways = [(name, sign) for name in sorted(pairs[0][0]) for sign in (1, -1)]
    return max(ways, key=lambda way: sum(_is_right(one, *way) for one in pairs))


def _is_right(pair: tuple[Figures, Figures], name: str, sign: int) -> float:
    """1: it is; 0.5: it would toss a coin."""
    erased, never = (world[name] * sign for world in pair)
    return 0.5 if erased == never else float(erased > never)


def differing(pairs: Sequence[tuple[Figures, Figures]]) -> dict[str, str]:
    """By figure: in how many pairs the erased one has more, and less; those that never differ not."""
    found = {}
    for name in sorted(pairs[0][0]):
        more = sum(erased[name] > never[name] for erased, never in pairs)
        less = sum(erased[name] < never[name] for erased, never in pairs)
        if more or less:
            found[name] = f"{more} more, {less} less"
    return found


def figures_of(root: Path) -> Figures:
    """Everything that is looked at of one lake."""
    parts = sorted(root.rglob("part-*.parquet"))
    return {
        **_names(root, parts),
        **_sizes(parts),
        **_times(parts),
        **_layout(parts),
        **_buckets(root, parts),
        **_checkpoints(root),
        **_answers(root),
    }


def _names(root: Path, parts: Sequence[Path]) -> Figures:
    read = [part for path in parts if (part := read_part(path.name)) is not None]
    numbers = [part.number for part in read]
    newest_number = max(numbers_in(root))
    others = [path for path in root.rglob("*") if path.is_file() and path not in parts]
    return {
        "parts": len(parts),
        "parts of a name of no lake": len(parts) - len(read),
        "checkpoints without a part": newest_number - len(set(numbers)),
        "sum of numbers in names": sum(numbers),
        "places within checkpoints": sum(part.nth for part in read),
        "first number": min(numbers),
        "newest checkpoint": newest_number,
        "other files": len(others),
        "length of names": sum(len(str(path.relative_to(root))) for path in parts),
    }


def _sizes(parts: Sequence[Path]) -> Figures:
    sizes = [path.stat().st_size for path in parts]
    rows = [_rows(path) for path in parts]
    return {
        "bytes": sum(sizes),
        "largest": max(sizes),
        "smallest": min(sizes),
        "bytes a row": sum(sizes) / max(1, sum(rows)),
        "rows": sum(rows),
        "empty parts": rows.count(0),
        "fewest rows": min(rows),
        "most rows": max(rows),
    }


def _rows(path: Path) -> int:
    footer = read_footer(path)
    return 0 if footer is None else footer.rows


def _times(parts: Sequence[Path]) -> Figures:
    """By their names parts have an order, and by the time of their files."""
    by_name = sorted(parts, key=lambda path: tuple(read_part(path.name) or ())[:2])
    times = [path.stat().st_mtime_ns for path in by_name]
    folders = {path.parent for path in parts}
    late = sum(
        folder.stat().st_mtime_ns > max(path.stat().st_mtime_ns for path in folder.iterdir())
        for folder in folders
    )
    return {
        "inversions of times": sum(
            earlier > later for n, earlier in enumerate(times) for later in times[n + 1 :]
        ),
        "folders later than their files": late,
        "steps back in time": sum(a > b for a, b in pairwise(times)),
    }


def _layout(parts: Sequence[Path]) -> Figures:
    metadata = [pq.read_metadata(path) for path in parts]
    makers = Counter(one.created_by for one in metadata)
    chunks = [
        one.row_group(group).column(column)
        for one in metadata
        for group in range(one.num_row_groups)
        for column in range(one.num_columns)
    ]
    spans = [footer.appended for path in parts if (footer := read_footer(path)) is not None]
    return {
        "row groups": sum(one.num_row_groups for one in metadata),
        "makers": len(makers),
        "parts of the rarest maker": min(makers.values()),
        "ways of encoding": len({chunk.encodings for chunk in chunks}),
        "encodings": sum(len(chunk.encodings) for chunk in chunks),
        "ways of compressing": len({chunk.compression for chunk in chunks}),
        "bytes of footers": sum(one.serialized_size for one in metadata),
        "uncompressed": sum(chunk.total_uncompressed_size for chunk in chunks),
        "with statistics": sum(bool(chunk.is_stats_set) for chunk in chunks),
        "span of appending": sum(span.last_ms - span.first_ms for span in spans),
        "altered parts": sum(map(is_altered, parts)),
    }


def _buckets(root: Path, parts: Sequence[Path]) -> Figures:
    rows = Counter[str]()
    for path in parts:
        rows[path.parent.name] += _rows(path)
    folders = [path for path in root.rglob("bucket=*") if path.is_dir()]
    return {
        "buckets": len(rows),
        "folders": len(folders),
        "empty folders": sum(not any(folder.iterdir()) for folder in folders),
        "rows of the largest bucket": max(rows.values()),
        "rows of the smallest bucket": min(rows.values()),
        "rows of no bucket": rows["bucket=all"],
        "digest": int.from_bytes(_digest(parts)[:4]),
    }


def _digest(parts: Sequence[Path]) -> bytes:
    digests = sorted(hashlib.sha256(path.read_bytes()).digest() for path in parts)
    return hashlib.sha256(b"".join(digests)).digest()


def _checkpoints(root: Path) -> Figures:
    """What the newest says of parts; positions and remembered ids are not looked at."""
    found = newest(root)
    assert found is not None
    there = [(one, root / one.place) for one in found.parts if (root / one.place).exists()]
    return {
        "checkpoints": len(numbers_in(root)),
        "parts that it brings": len(found.parts),
        "of them not there": len(found.parts) - len(there),
        "of them of another size": sum(
            one.size_bytes != path.stat().st_size for one, path in there
        ),
        "of them of other rows": sum(one.rows != _rows(path) for one, path in there),
        "replaced": len(found.replaced),
    }


def _answers(root: Path) -> Figures:
    """What commands answer of a lake."""
    lake = Lake(root, OUTPUTS, SETTINGS, wait_s=0)
    try:
        held = lake.holdings()
        oldest = lake.oldest_ms()
        return {
            "readings": sum(held.readings.values()),
            "unreadable": sum(held.unreadable.values()),
            "outputs": len(lake.outputs()),
            "oldest": min(oldest.values()),
            "strange": len(lake.strange()),
        }
    finally:
        lake.close()
