"""Identifiers that must never be read off a log line: each prints as a mask.

The values stay ordinary strings and bytes for the code that needs them; only their
``repr`` (tracebacks, debug logs, dataclass reprs) is hidden, and for bytes ``str`` too.
"""

from typing import Final

MASK: Final = "…"


class DeviceId(str):
    """The opaque id under which a dongle is registered. Never a serial, IMEI or MAC."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"DeviceId({MASK})"


class SubjectId(str):
    """The opaque id of a person in the registry."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"SubjectId({MASK})"


class LinkSecret(bytes):
    """The random secret of one link (subject, vehicle, interval); what is pseudonymised."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"LinkSecret({MASK})"

    __str__ = __repr__


class EpochKey(bytes):
    """The random key of one (purpose, recipient, epoch)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"EpochKey({MASK})"

    __str__ = __repr__


class Pseudonym(str):
    """First 128 bits of HMAC-SHA256(epoch key, link secret), base32 without padding."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Pseudonym({MASK})"
