"""How a certificate names a device: one URI, ``urn:roadfade:device:`` and the percent-encoded id.

Ids are any printable characters without blanks, which no DNS name and no e-mail address can carry.
One id has one name, so that nobody can be the same device under two.
"""

from typing import Final

from telemetry.identity import DeviceId

PREFIX: Final = "urn:roadfade:device:"
ID_CHARS_MAX: Final = 64
NAME_CHARS_MAX: Final = len(PREFIX) + ID_CHARS_MAX * 4 * 3
"""Four bytes are a character's at most, and each becomes three."""
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def name_of(device: DeviceId) -> str:
    """The URI of a registered id."""
    plain = (chr(one) if one in _PLAIN else f"%{one:02X}" for one in device.encode())
    return PREFIX + "".join(plain)


def device_of(name: str) -> DeviceId | None:
    """Whose URI it is; None if it is not exactly as ``name_of`` writes it."""
    if not name.startswith(PREFIX) or len(name) > NAME_CHARS_MAX or not name.isascii():
        return None
    try:
        device = DeviceId(_decoded(name.removeprefix(PREFIX)))
    except ValueError:
        return None
    sound = 1 <= len(device) <= ID_CHARS_MAX and device.isprintable() and " " not in device
    return device if sound and name_of(device) == name else None


def _decoded(text: str) -> str:
    first, *others = text.split("%")
    parts = [first.encode(), *(bytes([int(one[:2], 16)]) + one[2:].encode() for one in others)]
    return b"".join(parts).decode()
