"""The files of a policy document as they were parsed before, kept in the state folder.

Reading YAML with its places takes most of a start, and published texts never change. Kept are
plain values and their places by the digest of the text; the models and the compiler still judge
all of them. What is not there, or not exactly what we wrote, is parsed again. Nothing here may
stop a process: a folder that takes no file only makes the next start as slow as this one.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final

from msgspec import DecodeError, msgpack

from policy.language.parse import Read, read_text
from policy.language.problems import Findings, Places, Spot, Tree
from policy.language.problems import KeyPath as Steps
from roadfade import __version__

FORMAT: Final = 2
"""To be raised with every change of what ``policy.language.yaml_text`` makes of a text."""
KEPT_BYTES_MAX: Final = 4 * 1024 * 1024
"""About ten times the size of one parsed document."""
_DATE: Final = 1
_LENGTH: Final = hashlib.sha256().digest_size


@contextmanager
def parsed_files(state_dir: Path) -> Iterator[Read]:
    """A reader for ``parse`` that knows what was read before, and keeps what it reads anew.

    Blocks.
    """
    file = state_dir / "cache" / "parsed"
    kept = _load(file)
    unused = dict(kept)
    used: dict[bytes, bytes] = {}

    def read(name: str, text: str, findings: Findings) -> Tree | None:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        packed = unused.pop(digest, None) or used.get(digest)
        tree = _unpacked(packed) if packed else read_text(name, text, findings)
        packed = packed or (_packed(tree) if tree else None)
        if packed:
            used[digest] = packed
        return tree

    yield read
    if used.keys() - kept.keys():
        _store(file, unused | used)


def _load(file: Path) -> Mapping[bytes, bytes]:
    """What is kept, by digest of the text; nothing if it is not exactly what we wrote."""
    try:
        content = file.read_bytes()
        if content[:_LENGTH] != _seal(content[_LENGTH:]):
            return {}
        return msgpack.decode(content[_LENGTH:], type=dict[bytes, bytes])
    except (OSError, DecodeError):
        return {}


def _store(file: Path, kept: Mapping[bytes, bytes]) -> None:
    """Replace the file; what was used last stays if not all has room."""
    room = KEPT_BYTES_MAX
    staying: dict[bytes, bytes] = {}
    for digest, packed in reversed([*kept.items()]):
        room -= len(packed)
        if room < 0:
            break
        staying[digest] = packed
    payload = msgpack.encode(dict(reversed(staying.items())))
    try:
        # A state folder that is not there yet is not ours to make.
        file.parent.mkdir(mode=0o700, exist_ok=True)
        handle, name = mkstemp(dir=file.parent)
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_seal(payload) + payload)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)


def _seal(payload: bytes) -> bytes:
    """A digest over what is kept and over who wrote it: other versions read otherwise."""
    writer = f"{FORMAT} roadfade {__version__} ruamel.yaml {version('ruamel.yaml')}\n"
    return hashlib.sha256(writer.encode() + payload).digest()


def _packed(tree: Tree) -> bytes | None:
    """The tree as bytes; None if it holds a value that would not come back the same."""
    value, places = tree
    try:
        return msgpack.encode((_plain(value), places.keys, places.values))
    except (TypeError, OverflowError, UnicodeEncodeError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if type(value) is date:
        return msgpack.Ext(_DATE, value.isoformat().encode())
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError


def _unpacked(packed: bytes) -> Tree:
    value, keys, values = _DECODER.decode(packed)
    return _frozen(value), Places(keys, values)


def _frozen(value: Any) -> Any:
    """The value with its lists turned into tuples: decoders return lists."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _date(_code: int, data: memoryview) -> date:
    return date.fromisoformat(bytes(data).decode())


_DECODER: Final = msgpack.Decoder(tuple[Any, dict[Steps, Spot], dict[Steps, Spot]], ext_hook=_date)
