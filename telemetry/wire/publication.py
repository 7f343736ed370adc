"""A version of the policy as it travels: one record of the compacted topic ``control.policies``.

The record holds the document's texts, so that every worker compiles them with its own limits
and a later reader can replay what an old version decided. Key: policy and version.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from telemetry.instants import is_instant

VERSION_MAX: Final = 2**31 - 1
PUBLICATION_BYTES_MAX: Final = 768 * 1024
"""Below the topics' own limit, with room for the record around the texts."""


class PublicationError(ValueError):
    """A record that is no publication, or texts that cannot be one; never quotes them."""


class PublicationWire(Struct, forbid_unknown_fields=True):
    """The record as JSON; ``files`` are the document's texts by name."""

    v: int
    policy: str
    version: int
    effective_ms: int
    published_ms: int
    sha256: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Publication:
    """One version: its texts, when it takes effect, when it was published."""

    policy: str
    version: int
    effective_ms: int
    published_ms: int
    files: Mapping[str, str]

    @property
    def key(self) -> bytes:
        """The Kafka key: publishing the same version again replaces nothing but itself."""
        return f"{self.policy}@{self.version}".encode()

    @property
    def starts_ms(self) -> int:
        """When it takes over: never before it was published."""
        return max(self.effective_ms, self.published_ms)


def texts_sha256(files: Mapping[str, str]) -> str:
    """SHA-256 in hexadecimal over the texts and their names."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(msgspec.json.encode([name, files[name]]))
    return whole.hexdigest()


def encode_publication(publication: Publication) -> bytes:
    """The record's value; PublicationError if it is longer than a record may be."""
    one = publication
    value = msgspec.json.encode(
        PublicationWire(
            1,
            one.policy,
            one.version,
            one.effective_ms,
            one.published_ms,
            texts_sha256(one.files),
            dict(sorted(one.files.items())),
        )
    )
    if len(value) > PUBLICATION_BYTES_MAX:
        msg = f"the document is longer than {PUBLICATION_BYTES_MAX} bytes and cannot be published"
        raise PublicationError(msg)
    return value


def decode_publication(value: bytes) -> Publication:
    """The publication in a record; PublicationError if it is none, or its texts were changed."""
    try:
        wire = msgspec.json.decode(value, type=PublicationWire)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        msg = "this record is no publication of a policy"
        raise PublicationError(msg) from None
    if wire.v != 1 or wire.sha256 != texts_sha256(wire.files):
        msg = "this publication is not what was published"
        raise PublicationError(msg)
    dated = is_instant(wire.effective_ms) and is_instant(wire.published_ms)
    if not dated or not 0 <= wire.version <= VERSION_MAX:
        msg = "this publication has a number or a date that no version can have"
        raise PublicationError(msg)
    return Publication(wire.policy, wire.version, wire.effective_ms, wire.published_ms, wire.files)
