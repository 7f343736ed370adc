"""Checkpoints: the durable records of which parts and positions a lake has. The truth of format 2.

``_checkpoints/<number>`` appears, whole, in one rename. It says how far every topic's partition is
in the lake, which parts it brings, and which of before they replace; what it brings and replaces is
carried out after it, and before the next. So the newest alone says what counts. The ids that it
remembers are those of its own records; the ids since the last whole checkpoint are the window of
duplicates, so a start knows it exactly, without reading Kafka or the lake. Every
``CHECKPOINTS_MAX`` one is whole again, and those before it go.

Most who read one ask what counts, not for ids, which are nearly all of its bytes: ``newest`` makes
no object of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sinks.lake.durable import make_directory, sync_directory, write_file
from sinks.lake.layout import CHECKPOINTS, entries
from sinks.lake.steps import Hook, Step
from sinks.lake.survey import said_place
from sinks.port.duplicates import Seen
from sinks.port.results import Oddity, Strange

CHECKPOINTS_MAX: Final = 64
RECORD_VERSION: Final = 2
LOOKS_MAX: Final = 50
_DIGEST_BYTES: Final = 16
_NAME: Final = re.compile(r"[1-9][0-9]{0,18}")


class At(Struct, frozen=True, array_like=True):
    """How far a topic's partition is kept."""

    topic: str
    partition: int
    next_offset: int
    topic_id: str | None = None
    """Of which topic of that name; None: it is not known."""
    stored_before: int = 0
    """Below this offset, what has rows already is dropped by its id."""


class SeenAt(Struct, frozen=True, array_like=True):
    """Ids that a topic's partition kept."""

    topic: str
    partition: int
    seen: list[Seen]


class NewPart(Struct, frozen=True, array_like=True):
    """A part that a checkpoint brings."""

    place: str
    """Its path in the lake."""
    rows: int
    size_bytes: int
    seal: str
    first_append_ms: int
    """When the topics took the earliest of its records, and the latest."""
    last_append_ms: int


class Checkpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """One durable record."""

    number: int
    places: list[At]
    """Every place, also those that this checkpoint does not move."""
    seen: list[SeenAt] = []
    whole: bool = False
    """Whether ``seen`` has everything that is remembered: what is older need not be read."""
    parts: list[NewPart] = []
    replaced: list[str] = []
    """Paths in the lake of parts whose rows are in ``parts`` now."""
    v: int = RECORD_VERSION


class _WithoutIds(Struct, frozen=True, forbid_unknown_fields=True):
    """A ``Checkpoint`` of which the ids are passed over."""

    number: int
    places: list[At]
    seen: msgspec.Raw = msgspec.Raw()
    whole: bool = False
    parts: list[NewPart] = []
    replaced: list[str] = []
    v: int = RECORD_VERSION


class CheckpointDamagedError(Exception):
    """A checkpoint is empty, cut, or none of a lake's."""


class CheckpointNewerError(CheckpointDamagedError):
    """A checkpoint is whole, and of a form that only a later program knows."""


@dataclass(slots=True)
class Kept:
    """What lies in ``_checkpoints``."""

    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)
    """The whole ones, by number, ascending."""
    damaged: list[Strange] = field(default_factory=list)
    """What is no whole one: each could hide how far topics were read."""
    newer: list[Strange] = field(default_factory=list)
    """Those of the damaged ones that a later program wrote."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Checkpoint)
_decoder_without_ids = msgspec.msgpack.Decoder(_WithoutIds)


def put(root: Path, checkpoint: Checkpoint, temporary: Path, at: Hook) -> None:
    """Make a checkpoint durable. ``temporary`` is a folder of the same file system."""
    folder = root / CHECKPOINTS
    make_directory(folder)
    made = temporary / "checkpoint"
    content = _encoder.encode(checkpoint)
    write_file(made, _digest(content) + content)
    at(Step.RECORD_WRITTEN)
    made.replace(folder / str(checkpoint.number))
    at(Step.RECORD_RENAMED)
    sync_directory(folder)
    at(Step.RECORD_DURABLE)


def drop(root: Path, numbers: Sequence[int], at: Hook) -> None:
    """Remove checkpoints that a whole one has made needless; durable on return."""
    for number in numbers:
        (root / CHECKPOINTS / str(number)).unlink(missing_ok=True)
        at(Step.OLD_RECORD_REMOVED)
    if numbers:
        sync_directory(root / CHECKPOINTS)


def numbers_in(root: Path) -> list[int]:
    """The numbers of all checkpoints there are, ascending."""
    return sorted(int(path.name) for path in entries(root / CHECKPOINTS) if _is_named(path))


def newest_number(root: Path) -> int | None:
    """The number of the newest checkpoint; what one of a number says never changes."""
    return max(numbers_in(root), default=None)


def read(root: Path, number: int) -> Checkpoint:
    """One checkpoint; CheckpointDamagedError if it is not whole, FileNotFoundError if not there."""
    body = _body(root, number)
    try:
        found = _decoder.decode(body)
    except msgspec.DecodeError:
        raise _why_unread(body) from None
    return _numbered(found, number)


def newest(root: Path) -> Checkpoint | None:
    """The newest checkpoint without its ids; None if there is none.

    CheckpointDamagedError if it is not whole. A sink may be at work: one that is gone meanwhile has
    a newer one.
    """
    for _ in range(LOOKS_MAX):
        found = numbers_in(root)
        if not found:
            return None
        try:
            return _without_ids(root, found[-1])
        except FileNotFoundError:
            continue
        except OSError:
            break
    raise CheckpointDamagedError


def read_all(root: Path) -> Kept:
    """Every checkpoint, each decoded once, and what is none.

    A sink may be at work: if one is gone meanwhile, all are looked at again, so that none seems to
    be lost between two others; the last look stands as it is.
    """
    found = Kept()
    for _ in range(LOOKS_MAX):
        found, gone = Kept(), False
        for path in entries(root / CHECKPOINTS):
            if not _is_named(path):
                if path.is_symlink() or path.exists():
                    found.damaged.append(_strange(root, path, Oddity.FOREIGN, "not a checkpoint"))
                continue
            try:
                found.checkpoints[int(path.name)] = read(root, int(path.name))
            except FileNotFoundError:
                gone = True
            except CheckpointNewerError:
                why = "a checkpoint that a newer program wrote"
                found.newer.append(_strange(root, path, Oddity.UNREADABLE, why))
                found.damaged.append(found.newer[-1])
            except (OSError, CheckpointDamagedError):
                why = "a checkpoint that is empty or damaged"
                found.damaged.append(_strange(root, path, Oddity.UNREADABLE, why))
        if not gone:
            break
    found.checkpoints = dict(sorted(found.checkpoints.items()))
    return found


def _strange(root: Path, path: Path, oddity: Oddity, why: str) -> Strange:
    return Strange(oddity, said_place(path, root), why)


def _without_ids(root: Path, number: int) -> Checkpoint:
    body = _body(root, number)
    try:
        told = _decoder_without_ids.decode(body)
    except msgspec.DecodeError:
        raise _why_unread(body) from None
    found = Checkpoint(
        told.number, told.places, [], told.whole, told.parts, told.replaced, told.v
    )  # fmt: skip
    return _numbered(found, number)


def _body(root: Path, number: int) -> bytes:
    content = (root / CHECKPOINTS / str(number)).read_bytes()
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != _digest(body):
        raise CheckpointDamagedError
    return body


def _numbered(found: Checkpoint, number: int) -> Checkpoint:
    if found.v > RECORD_VERSION:
        raise CheckpointNewerError
    if found.number != number:
        raise CheckpointDamagedError
    return found


def _why_unread(body: bytes) -> CheckpointDamagedError:
    try:
        version = msgspec.msgpack.decode(body, type=dict[str, object]).get("v")
    except msgspec.DecodeError:
        return CheckpointDamagedError()
    is_newer = isinstance(version, int) and version > RECORD_VERSION
    return CheckpointNewerError() if is_newer else CheckpointDamagedError()


def _is_named(path: Path) -> bool:
    return _NAME.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST_BYTES).digest()
