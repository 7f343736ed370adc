"""Purpose record v1: what one output may know of one envelope.

The Kafka key is the pseudonym. No device id, boot, seq, exact t0 or input header is
forwarded; ``dt`` is floored together with the time.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from telemetry.identity import MASK

RECORD_VERSION: Final = 1
RECORD_BYTES_MAX: Final = 512 * 1024

CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_SPECVERSION: Final = "ce_specversion"
POLICY_VERSION: Final = "policy_version"
PURPOSE: Final = "purpose"
BASIS: Final = "basis"
CONSENT: Final = "consent"
PSEUDONYM_EPOCH: Final = "pseudonym_epoch"
READINGS: Final = "readings"
EXPIRES_AT: Final = "expires_at"

HEADERS: Final = (
    CE_ID, CE_TYPE, CE_SOURCE, CE_SPECVERSION, POLICY_VERSION, PURPOSE, BASIS, CONSENT,
    PSEUDONYM_EPOCH, READINGS, EXPIRES_AT,
)  # fmt: skip
"""Every header a purpose record carries; ``consent`` only if the basis is a consent."""

TROUBLE_CODES: Final = "Vehicle.OBD.DTCList"
"""The catalogue path under which an envelope's ``dtc`` is governed."""

LATITUDE: Final = "Vehicle.CurrentLocation.Latitude"
LONGITUDE: Final = "Vehicle.CurrentLocation.Longitude"
MESH: Final = "Vehicle.CurrentLocation.Mesh"
"""The two paths a mesh is made of (VSS 6.0), and the derived one under which it leaves."""


class Series(Struct, gc=False):
    """The surviving readings of one signal; ``dt`` in milliseconds after the record's t0."""

    unit: str
    dt: list[int]
    value: list[Any]

    def __repr__(self) -> str:
        return f"Series({MASK}, readings={len(self.dt)})"


class PurposeRecord(Struct, forbid_unknown_fields=True):
    """The value of a record on ``purpose.<id>[.<recipient>]``."""

    v: int
    pseudonym: str
    t0: str
    series: dict[str, Series]
    dtc: list[str] = []

    def __repr__(self) -> str:
        return f"PurposeRecord({MASK})"


_decoder = msgspec.json.Decoder(PurposeRecord)


def decode_record(payload: bytes) -> PurposeRecord:
    """Decode a purpose record; msgspec.DecodeError if it is not one."""
    return _decoder.decode(payload)
