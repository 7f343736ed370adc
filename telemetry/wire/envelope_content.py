"""What an envelope's text says, whichever way it is written: a digest, and what is said twice.

JSON leaves open what a name that stands twice means (RFC 8259, section 4), and decoders drop all
but one silently. Readings would be lost uncounted, so such a text is no envelope.
"""

import hashlib
import json
import re
from typing import Any, Final, NamedTuple

import msgspec

DIGEST_BYTES: Final = 16
NOT_CONTENT: Final = ("resend", "sent_at")
"""Members that differ between two sendings of one envelope."""

_WHOLE_MAX: Final = 2**53
"""From here on not every whole number is a float."""
_WHOLE_FLOAT: Final = re.compile(rb"\.0(?=[,\]}])")
_NOT_PLAINLY: Final = re.compile(rb"\.0(?!\d)(?:(?<=-0\.0)|(?<=\d{16}\.0))")
"""A zero that loses its sign, and a float that may be too large to be a whole number."""
_WITH_NUMBERS: Final = frozenset({float, dict, list})

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class Content(NamedTuple):
    """The members of an object, and the digest of all but ``NOT_CONTENT``.

    The digest depends neither on the order of names nor on spaces, escapes or how a number is
    written: it is BLAKE2b (RFC 7693), 128 bits, of one canonical text.
    """

    members: dict[str, Any]
    digest: bytes


def content_of(payload: bytes) -> Content | None:
    """None if this is no JSON object or a name stands twice in one of its objects."""
    try:
        members = _decode(payload)
        if not isinstance(members, dict):
            return None
        left_out = {name: members[name] for name in NOT_CONTENT if name in members}
        content = {name: said for name, said in members.items() if name not in left_out}
        text = _text(content)
        if _says_twice(payload, text, left_out):
            return None
        if _WHOLE_FLOAT.search(text):
            text = _plainly(text) or _text(_plain_numbers(content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Content(members, hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest())


def readings_said(payload: bytes) -> int:
    """How many readings the text of a refused envelope holds, as far as it has that shape.

    What stands twice counts twice. 1 if nothing can be counted: every refusal counts.
    """
    try:
        said = json.loads(payload, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return 1
    count = 0
    for name, member in said if isinstance(said, _Pairs) else ():
        if name == "series" and isinstance(member, _Pairs):
            count += sum(_length(column) for _, column in member)
        elif name in ("frames", "dtc") and isinstance(member, list):
            count += len(member)
    return max(1, count)


class _Pairs(list[tuple[str, Any]]):
    """An object's members in their order, doubles included."""


def _length(column: Any) -> int:
    if not isinstance(column, _Pairs):
        return 0
    lists = {"dt": 0, "value": 0}
    for name, said in column:
        if name in lists and isinstance(said, list) and not isinstance(said, _Pairs):
            lists[name] += len(said)
    return max(lists.values())


def _says_twice(payload: bytes, text: bytes, left_out: dict[str, Any]) -> bool:
    if b"\\" not in payload:
        # A name that was dropped took its quotation marks along.
        quotes = text.count(b'"') + (_text(left_out).count(b'"') if left_out else 0)
        return payload.count(b'"') != quotes
    try:
        json.loads(payload, object_pairs_hook=_refuse_doubles)
    except ValueError:
        return True
    return False


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        msg = "a name stands twice in one object"
        raise ValueError(msg)


def _text(said: Any) -> bytes:
    try:
        return _encode(said)
    except OverflowError:
        # An integer of more than 64 bits.
        return json.dumps(said, sort_keys=True, ensure_ascii=False).encode()


def _plainly(text: bytes) -> bytes | None:
    """What ``_plain_numbers`` makes of a canonical text, without reading it again.

    None if that takes more than leaving out ``.0``. Every second piece between quotation marks
    is a string, in which nothing is a number, as long as none is escaped.
    """
    if b"\\" in text:
        return None
    pieces = text.split(b'"')
    outside = b'"'.join(pieces[::2])
    if _NOT_PLAINLY.search(outside):
        return None
    pieces[::2] = _WHOLE_FLOAT.sub(b"", outside).split(b'"')
    return b'"'.join(pieces)


def _plain_numbers(said: Any) -> Any:
    """1.0 and 1 are one number."""
    if isinstance(said, float):
        return int(said) if said.is_integer() and abs(said) < _WHOLE_MAX else said
    if isinstance(said, dict):
        return {name: _plain_numbers(member) for name, member in said.items()}
    if isinstance(said, list):
        return [_plain_numbers(one) if type(one) in _WITH_NUMBERS else one for one in said]
    return said
