"""Ids of rows, the Kafka keys of the control topics; and how long secret numbers are."""

import base64
import secrets
from typing import Final

ROW_ID_BYTES: Final = 16
NONCE_BYTES: Final = 32
"""Of a number by which a person alone shows that something is theirs."""


def new_row_id() -> str:
    """128 random bits, base32. Without a time inside, unlike a ULID: a key would date a consent."""
    return base64.b32encode(secrets.token_bytes(ROW_ID_BYTES)).decode().rstrip("=")
