"""The compacted control topics: registrations, links, consents and restrictions as intervals.

Event time needs history, so a row is an interval, not a last state. The Kafka key is the
row's own random id; a null value deletes the row. ``None`` as an end means still open.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from telemetry.identity import MASK, DeviceId, LinkSecret, SubjectId
from telemetry.instants import is_instant
from telemetry.wire.envelope import Named
from telemetry.wire.topic_contents import Contents

ConsentKind = Literal["location", "opt_in", "third_party"]

RestrictionReason = Literal["erased", "objected"]
"""Why readings of a subject are kept back whatever opens them. ``erased``: those whose event time
lies in the interval, whenever they come; ``objected``: all of them, whatever their event time,
while the interval lasts."""

Role = Literal[
    "contract_holder", "owner", "driver", "passenger", "employee", "prior_owner",
    "business_contact", "minor", "youth", "unknown",
]  # fmt: skip
"""What a link's person is to the vehicle. ``unknown``: it is not confirmed who drives. ``minor``:
under 16, or a teenager whose age is not confirmed; ``youth``: 16 or 17, and that is confirmed."""
UNCONFIRMED: Final[Role] = "unknown"
"""The role of a link that was given none, and of every row older than roles."""


class _Masked(Struct, forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}({MASK})"


class _Device(
    _Masked, tag="device", tag_field="kind", forbid_unknown_fields=True, omit_defaults=True
):
    device: str
    registered_ms: int
    service: Named | UnsetType = UNSET


class _Link(_Masked, tag="link", tag_field="kind", forbid_unknown_fields=True):
    link: str
    device: str
    subject: str
    secret: str
    from_ms: int
    to_ms: int | None
    role: Role = UNCONFIRMED


class _Consent(_Masked, tag="consent", tag_field="kind", forbid_unknown_fields=True):
    consent: str
    subject: str
    purpose: str
    basis: ConsentKind
    recipient: str | None
    notice: str
    from_ms: int
    to_ms: int | None


class _Restriction(_Masked, tag="restriction", tag_field="kind", forbid_unknown_fields=True):
    restriction: str
    subject: str
    reason: RestrictionReason
    purpose: str | None
    recipient: str | None
    from_ms: int
    to_ms: int | None


class _Heartbeat(
    Struct, tag="heartbeat", tag_field="kind", forbid_unknown_fields=True, omit_defaults=True
):
    at_ms: int
    high_water: int
    rows: int | None = None
    digest: str | None = None


class DeviceRegistration(Struct, frozen=True, gc=False):
    """A dongle known to us from an instant on; earlier events of it are rejected."""

    device: DeviceId
    registered_ms: int
    service: str | None = None
    """As which service it is registered; None: the registration names none, as those of before."""


class LinkInterval(Struct, frozen=True, gc=False):
    """Subject and vehicle behind a device from ``from_ms`` until ``to_ms`` (exclusive)."""

    link: str
    device: DeviceId
    subject: SubjectId
    secret: LinkSecret
    from_ms: int
    to_ms: int | None
    role: Role = UNCONFIRMED

    def __repr__(self) -> str:
        """Without the role: it is personal data, as the ids are."""
        ids = f"{self.link!r}, {self.device!r}, {self.subject!r}, {self.secret!r}"
        return f"LinkInterval({ids}, from_ms={self.from_ms}, to_ms={self.to_ms})"


class ConsentInterval(Struct, frozen=True, gc=False):
    """A consent of one subject, as given under one notice; withdrawn at ``to_ms``."""

    consent: str
    subject: SubjectId
    purpose: str
    basis: ConsentKind
    recipient: str | None
    """The recipient's id if the consent names one; None for consents within the company."""
    notice: str
    """Notice id and version, as ``third_party_provision@2``."""
    from_ms: int
    to_ms: int | None


class Restriction(Struct, frozen=True, gc=False):
    """Readings of one subject that are kept back, in ``[from_ms, to_ms)``; ``repr`` hides it."""

    restriction: str
    subject: SubjectId
    reason: RestrictionReason
    """Also says of which time the interval is: of events, or of now."""
    purpose: str | None
    """None: of every purpose."""
    recipient: str | None
    """None: of every recipient."""
    from_ms: int
    to_ms: int | None

    def __repr__(self) -> str:
        """Nothing of it: that someone objected, and from when on, is personal data too."""
        return f"Restriction({MASK})"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The outbox is alive: everything up to ``high_water`` (its sequence) is published."""

    at_ms: int
    high_water: int
    contents: Contents | None = None
    """The rows of its partition that are live where it stands; None: it does not say."""


ControlRow = DeviceRegistration | LinkInterval | ConsentInterval | Restriction | Heartbeat

ControlWire = _Device | _Link | _Consent | _Restriction | _Heartbeat
"""The wire form of every control row, distinguished by ``kind``."""
_decoder: msgspec.json.Decoder[ControlWire] = msgspec.json.Decoder(ControlWire)


def encode_row(row: ControlRow) -> bytes:
    """The JSON value of a control record."""
    match row:
        case DeviceRegistration():
            service = UNSET if row.service is None else row.service
            wire: Struct = _Device(str(row.device), row.registered_ms, service)
        case LinkInterval():
            secret = base64.b64encode(row.secret).decode()
            device, subject = str(row.device), str(row.subject)
            wire = _Link(row.link, device, subject, secret, row.from_ms, row.to_ms, row.role)
        case ConsentInterval():
            wire = _Consent(
                row.consent, str(row.subject), row.purpose, row.basis, row.recipient, row.notice,
                row.from_ms, row.to_ms,
            )  # fmt: skip
        case Restriction():
            wire = _Restriction(
                row.restriction, str(row.subject), row.reason, row.purpose, row.recipient,
                row.from_ms, row.to_ms,
            )  # fmt: skip
        case Heartbeat():
            rows, digest = row.contents or (None, None)
            told = None if digest is None else f"{digest:032x}"
            wire = _Heartbeat(row.at_ms, row.high_water, rows, told)
    return msgspec.json.encode(wire)


def decode_row(payload: bytes) -> ControlRow:
    """Decode a control record; MsgspecError, ValueError or RecursionError if it is not one."""
    match _decoder.decode(payload):
        case _Device() as w:
            _check_instants(w.registered_ms, None)
            service = None if w.service is UNSET else w.service
            return DeviceRegistration(DeviceId(w.device), w.registered_ms, service)
        case _Link() as w:
            _check_instants(w.from_ms, w.to_ms)
            secret = LinkSecret(binascii.a2b_base64(w.secret, strict_mode=True))
            if not secret:
                msg = "a link without a secret: its pseudonym would be everybody's"
                raise ValueError(msg)
            return LinkInterval(
                w.link, DeviceId(w.device), SubjectId(w.subject), secret, w.from_ms, w.to_ms, w.role
            )
        case _Consent() as w:
            _check_instants(w.from_ms, w.to_ms)
            return ConsentInterval(
                w.consent, SubjectId(w.subject), w.purpose, w.basis, w.recipient, w.notice,
                w.from_ms, w.to_ms,
            )  # fmt: skip
        case _Restriction() as w:
            _check_instants(w.from_ms, w.to_ms)
            return Restriction(
                w.restriction, SubjectId(w.subject), w.reason, w.purpose, w.recipient,
                w.from_ms, w.to_ms,
            )  # fmt: skip
        case _Heartbeat() as w:
            _check_instants(w.at_ms, None)
            known = w.rows is not None and w.digest is not None
            contents = Contents(w.rows or 0, int(w.digest or "0", 16)) if known else None
            return Heartbeat(w.at_ms, w.high_water, contents)


def _check_instants(from_ms: int, to_ms: int | None) -> None:
    if not is_instant(from_ms) or (to_ms is not None and not is_instant(to_ms)):
        msg = "an instant outside the years 1 to 9999"
        raise ValueError(msg)
