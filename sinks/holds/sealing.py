"""Sealing rows so that the store which copies them cannot read them back.

In: rows in their output's own words, a public key. Out: bytes that open with the private key alone,
which the office has: RFC 9180, as ``telemetry.held_copy`` says.
"""

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from sinks.port.selection import FoundRow

_LINES: Final = msgspec.json.Encoder()


def sealed(rows: Sequence[FoundRow], public_key: bytes, bound_to: bytes) -> bytes:
    """JSON lines of the rows, compressed (zlib), sealed for a public key (X25519, 32 bytes)."""
    # Loaded with the first hold: few sinks ever have one.
    from cryptography.hazmat.primitives.asymmetric.x25519 import (  # noqa: PLC0415
        X25519PublicKey,
    )
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite  # noqa: PLC0415

    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    lines = zlib.compress(_LINES.encode_lines([row._asdict() for row in rows]))
    return suite.encrypt(lines, X25519PublicKey.from_public_bytes(public_key), bound_to)
