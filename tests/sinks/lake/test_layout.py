"""Names in the lake, written and read back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.lake.layout import (
    Batch,
    Part,
    bucket_directory,
    bucket_of,
    checked_name,
    expires_text,
    partitions,
    read_part,
)
from sinks.lake.staged import read_staged, staged_path
from telemetry.instants import MINUTE_MS, parse_instant

topics = st.from_regex(r"purpose\.[a-z][a-z0-9._-]{0,40}", fullmatch=True)
outputs = st.from_regex(r"[a-z][a-z0-9._-]{0,40}", fullmatch=True)
offsets = st.integers(min_value=0, max_value=2**63 - 1)


tails = st.tuples(st.sampled_from(["", "0123456789abcdef"]), st.integers(0, 999)).filter(
    lambda tail: not tail[0] or tail[1]
)


@given(offsets.filter(bool), st.integers(min_value=0, max_value=9999), tails)
def test_a_parts_name_is_read_back(number: int, index: int, tail: tuple[str, int]) -> None:
    part = Part(number, index, None, *tail)
    assert read_part(part.name) == part


@given(topics, st.integers(min_value=0, max_value=9999), offsets, offsets, tails)
def test_a_name_of_format_1_is_read_back(
    topic: str, partition: int, first: int, last: int, tail: tuple[str, int]
) -> None:
    part = Part(0, 0, Batch(topic, partition, first, last), *tail)
    assert read_part(part.name) == part


@given(outputs, st.integers(0, 4_000_000), st.none() | st.integers(0, 255), offsets.filter(bool))
def test_a_staged_name_says_where_it_goes(
    output: str, minute: int, bucket: int | None, number: int
) -> None:
    folder = bucket_directory(Path("lake"), output, minute * MINUTE_MS, bucket)
    waiting = staged_path(Path("lake"), folder / Part(number).name)
    found = read_staged(Path("lake"), waiting.name)
    assert found is not None
    assert (found.path, found.final) == (waiting, folder / Part(number).name)
    assert (found.place.output, found.place.expires_ms) == (output, minute * MINUTE_MS)


@given(st.integers(min_value=0, max_value=4_000_000_000_000 // MINUTE_MS))
def test_an_expiry_is_read_back_from_its_directory(minute: int) -> None:
    with TemporaryDirectory() as folder:
        bucket_directory(Path(folder), "a", minute * MINUTE_MS, 0).mkdir(parents=True)
        (found,) = partitions(Path(folder))
    assert (found.output, found.expires_ms) == ("a", minute * MINUTE_MS)


def test_an_expiry_is_safe_for_a_file_name() -> None:
    assert expires_text(parse_instant("2026-12-22T00:00:00Z")) == "2026-12-22T00-00Z"
    with pytest.raises(ValueError, match="minute"):
        expires_text(parse_instant("2026-12-22T00:00:01Z"))


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "..", "a b", "é", "x" * 201])
def test_a_name_that_could_leave_the_lake_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="named with letters"):
        checked_name(name)


def test_a_pseudonyms_bucket_never_changes() -> None:
    assert [bucket_of(name, 8) for name in ("A", "B", "PSEUDONYM")] == [6, 2, 5]
    spread = [bucket_of(f"P{number}", 4) for number in range(4000)]
    assert all(800 < spread.count(bucket) < 1200 for bucket in range(4))


def test_a_strangers_file_is_no_part() -> None:
    assert read_part("notes.txt") is None
    assert read_part("part-purpose.a-x-1-2.parquet") is None


def test_partitions_come_earliest_first(tmp_path: Path) -> None:
    for text in ("2027-01-01T00-00Z", "2026-12-22T00-00Z", "2026-12-22T00-01Z"):
        (tmp_path / "purpose=a" / f"expires={text}").mkdir(parents=True)
    found = [partition.expires_ms for partition in partitions(tmp_path)]
    assert found == sorted(found)
    assert len(found) == 3
