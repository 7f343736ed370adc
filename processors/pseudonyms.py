"""The pseudonyms and fixed headers of one link, for every route, valid for one epoch.

Made when first needed and kept with the permit; dropped with the epoch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from policy.plan.epochs import EpochSpan, epoch_at
from processors.expiry import Header
from processors.people import FOREVER_MS
from processors.permit import Permission
from processors.routes import Route
from telemetry.identity import EpochKey
from telemetry.keyed_hashes import consent_mark, lane_key, pseudonym
from telemetry.wire import record as wire

KeyName = tuple[str, str, str]
"""(purpose, recipient, epoch name): the name of one key in the keyring."""
Keys = Mapping[KeyName, EpochKey | None]
"""None: the key is destroyed, so this pseudonym cannot be computed any more."""
PartitionOf = Callable[[str, bytes], int]
"""(topic, record key) -> partition, as Kafka's default partitioner would."""

EVENT_SOURCE = b"roadfade"
TYPE = b"roadfade.purpose-record.v1"


class KeysNeeded(LookupError):  # noqa: N818  # a request to the caller, not a failure
    """These keys must be in the keyring before the batch can be done again."""

    def __init__(self, names: frozenset[KeyName]) -> None:
        super().__init__(f"{len(names)} epoch keys are needed")
        self.names = names


@dataclass(slots=True)
class RecordStamp:
    """What one route puts on the records of one link in one epoch; ``repr`` hides it."""

    key: bytes
    text: str
    partition: int
    id_key: bytes
    fixed_headers: tuple[Header, ...]

    def __repr__(self) -> str:
        return "RecordStamp(…)"


@dataclass(slots=True)
class LinkPseudonyms:
    """All stamps of one link for readings whose epoch instant is in ``[from_ms, to_ms)``."""

    from_ms: int
    to_ms: int
    stamps: dict[int, RecordStamp]
    keyless: frozenset[int]
    """Routes whose epoch key is destroyed: nothing leaves through them any more."""


def pseudonyms_for(
    permit: Permission,
    routes: Sequence[Route],
    keys: Keys,
    partition_of: PartitionOf,
    epoch_ms: int,
    policy_version: str,
) -> LinkPseudonyms:
    """The link's pseudonyms; raises KeysNeeded with every missing key at once."""
    granted = [p for p in routes if p.index in permit.granted]
    spans = {p.index: epoch_at(p.output.epoch, epoch_ms) for p in granted}
    names = {p.index: _key_name(p, spans[p.index]) for p in granted}
    missing = frozenset(name for name in names.values() if name not in keys)
    if missing:
        raise KeysNeeded(missing)
    stamps = {}
    keyless = set()
    for route in granted:
        key = keys[names[route.index]]
        span = spans[route.index]
        if key is None:
            keyless.add(route.index)
            continue
        stamps[route.index] = _stamp(route, permit, key, span, partition_of, policy_version)
    from_ms = max((span.from_ms for span in spans.values()), default=-FOREVER_MS)
    to_ms = min((span.to_ms for span in spans.values()), default=FOREVER_MS)
    return LinkPseudonyms(from_ms, to_ms, stamps, frozenset(keyless))


def _key_name(route: Route, span: EpochSpan) -> KeyName:
    return route.output.purpose, route.output.recipient, span.name


def _stamp(
    route: Route,
    permit: Permission,
    key: EpochKey,
    span: EpochSpan,
    partition_of: PartitionOf,
    policy_version: str,
) -> RecordStamp:
    if permit.link is None:
        msg = "pseudonyms need a link"
        raise AssertionError(msg)
    text = str(pseudonym(key, permit.link.secret))
    headers = [
        (wire.CE_TYPE, TYPE),
        (wire.CE_SOURCE, EVENT_SOURCE),
        (wire.CE_SPECVERSION, b"1.0"),
        (wire.POLICY_VERSION, policy_version.encode()),
        (wire.PURPOSE, route.output.purpose.encode()),
        (wire.BASIS, route.basis.kind.encode()),
        (wire.PSEUDONYM_EPOCH, span.name.encode()),
    ]
    consent = permit.consents.get(route.index)
    if consent is not None:
        mark = consent_mark(key, consent.notice, consent.consent)
        headers.append((wire.CONSENT, mark.encode()))
    record_key = text.encode()
    return RecordStamp(
        key=record_key,
        text=text,
        partition=partition_of(route.output.topic, record_key),
        id_key=lane_key(key, f"{route.name}|{text}"),
        fixed_headers=tuple(headers),
    )
