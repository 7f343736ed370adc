"""Ids of rows: the Kafka keys of the control topics."""

import base64
import secrets
from typing import Final

ROW_ID_BYTES: Final = 16


def new_row_id() -> str:
    """128 random bits, base32. Without a time inside, unlike a ULID: a key would date a consent."""
    return base64.b32encode(secrets.token_bytes(ROW_ID_BYTES)).decode().rstrip("=")
