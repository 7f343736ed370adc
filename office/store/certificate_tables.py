"""The office's tables of certificates: which device has which, and which devices are retired.

Times are integer milliseconds UTC. No person stands here, and a device only by its row.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from office.store.tables import OFFICE

CERTIFICATES: Final = Table(
    "certificates",
    OFFICE,
    # Random, in hexadecimal: it says nothing of the device.
    Column("serial", String, primary_key=True),
    # NULL: a certificate of which only the serial number is known was revoked.
    Column("device_row", String, ForeignKey("devices.row")),
    Column("issued_ms", BigInteger, nullable=False),
    Column("not_after_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("reason", String),
    Index("certificates_by_device", "device_row"),
    Index("certificates_by_end", "not_after_ms"),
)
"""A row goes a day after its certificate has expired: nobody can come in with it then."""

RETIRED_DEVICES: Final = Table(
    "retired_devices",
    OFFICE,
    Column("device_row", String, ForeignKey("devices.row"), primary_key=True),
    Column("retired_ms", BigInteger, nullable=False),
)
"""Devices that get no certificate any more. What they recorded before is not touched."""
