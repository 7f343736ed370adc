"""Which readings of an envelope would be rejected and why, for authors of gateways.

In: the bytes of one envelope and a judge (the processors' own rules). Out: findings with
a remedy each. They contain no value of the envelope, and of a path only words the catalogue
knows: a device may put anything into a path.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from policy.vocabulary.nearest import nearest
from telemetry.identity import MASK
from telemetry.outcome import Rejected
from telemetry.signals import Catalogue
from telemetry.wire.envelope import (
    Envelope,
    decode_envelope,
    encode_envelope,
    with_plain_times,
)
from telemetry.wire.record import TROUBLE_CODES

Judge = Callable[[bytes], Mapping[Rejected, int]]
"""What would be rejected of a payload: readings by reason, empty if all is admitted."""

REMEDIES: Final[Mapping[Rejected, str]] = {
    Rejected.NO_PAYLOAD: "send a value with the record",
    Rejected.OVERSIZED: "send several envelopes of at most 256 KiB",
    Rejected.UNSEALED: "send it through a front door, or set raw_allow_unsealed (docs/gateways.md)",
    Rejected.KEY_DESTROYED: "send it again while it is kept at its source: nobody can read it",
    Rejected.UNOPENABLE: "send it again: what reached the topic is damaged",
    Rejected.MALFORMED: "compare it with the envelope's JSON Schema",
    Rejected.UNKNOWN_VERSION: "send v 1",
    Rejected.UNKNOWN_FIELD: "leave out fields the envelope's JSON Schema does not name",
    Rejected.TOO_MANY_READINGS: "send several envelopes of 50 to 200 readings",
    Rejected.NO_READINGS: "send no envelope without readings",
    Rejected.OUT_OF_SCOPE: "name a source, and register a service, that the policy lists",
    Rejected.UNKNOWN_DEVICE: "register the device: roadfade device register",
    Rejected.BEFORE_REGISTRATION: "register the device from an earlier instant, or fix its clock",
    Rejected.FROM_THE_FUTURE: "fix the device's clock: it is more than 24 h ahead",
    Rejected.UNKNOWN_SIGNAL: "look the path up: roadfade signals",
    Rejected.WRONG_UNIT: "convert to the catalogue's unit: roadfade signals",
    Rejected.WRONG_TYPE: "send the catalogue's datatype: roadfade signals",
    Rejected.OUT_OF_RANGE: "send no value outside the catalogue's range: roadfade signals",
    Rejected.NO_FIX: "send no position while the receiver has no fix",
    Rejected.COLUMN_MISMATCH: "give as many values as dt",
}
_OF_COLUMNS: Final = frozenset(
    [
        Rejected.UNKNOWN_SIGNAL,
        Rejected.WRONG_UNIT,
        Rejected.WRONG_TYPE,
        Rejected.OUT_OF_RANGE,
        Rejected.COLUMN_MISMATCH,
    ]
)
"""Reasons that apply to one column."""
_OF_PAIRS: Final = frozenset([Rejected.NO_FIX])
"""Reasons that apply to two columns together; every other applies to the whole envelope."""
_ALONE: Final = _OF_COLUMNS | _OF_PAIRS
_PLACE: Final = re.compile(r"at `(\$[$\w.\[\]]*)`$")


@dataclass(frozen=True, slots=True)
class Finding:
    """Some readings that would be rejected; ``place`` is a path, a field, or empty."""

    reason: Rejected
    place: str
    readings: int
    remedy: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of an envelope on arrival."""

    readings: int
    findings: tuple[Finding, ...]
    not_collected: tuple[str, ...]
    """Known paths that no purpose needs; a gateway should not send them."""

    @property
    def admitted(self) -> int:
        """Readings that would go on to the purposes."""
        return self.readings - sum(finding.readings for finding in self.findings)


def check_envelope(
    payload: bytes, judge: Judge, catalogue: Catalogue, collected: AbstractSet[str]
) -> Checked:
    """Judge the whole, then each column by itself, so that every reason has its path."""
    whole = judge(payload)
    of_codes: list[Finding] = []
    try:
        envelope = decode_envelope(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        apart = _codes_apart(payload, judge) if whole.keys() <= _ALONE else None
        if apart is None:
            place = _PLACE.search(str(error))
            where = place[1] if place else ""
            findings = tuple(_finding(reason, where, n) for reason, n in whole.items())
            return Checked(sum(whole.values()), findings, ())
        envelope, of_codes = apart
    sent = [*envelope.series, *([TROUBLE_CODES] if envelope.dtc else [])]
    not_collected = tuple(path for path in sent if path in catalogue and path not in collected)
    if whole.keys() <= _ALONE:
        pairs = [_finding(reason, "", n) for reason, n in whole.items() if reason in _OF_PAIRS]
        findings = (*_by_column(envelope, judge, catalogue), *pairs, *of_codes)
        return Checked(envelope.readings + len(of_codes), findings, not_collected)
    findings = tuple(_finding(reason, "", n) for reason, n in whole.items())
    return Checked(sum(whole.values()), findings, not_collected)


def _codes_apart(payload: bytes, judge: Judge) -> tuple[Envelope, list[Finding]] | None:
    """The envelope without the trouble codes that are none, and these, each at its own place.

    None if that is not all that is unusual about it.
    """
    try:
        members = msgspec.json.decode(payload, type=dict[str, Any])
        good, found = [], []
        for index, code in enumerate(members.get("dtc", [])):
            alone = msgspec.json.encode({**members, "series": {}, "frames": [], "dtc": [code]})
            bad = [_finding(why, f"$.dtc[{index}]", n) for why, n in judge(alone).items()]
            found += bad
            good += [] if bad else [code]
        return msgspec.convert(with_plain_times({**members, "dtc": good}), Envelope), found
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
        return None


def report(checked: Checked) -> list[str]:
    """The report as lines of text: counts, then one line for each finding."""
    lines = [f"{checked.admitted} of {checked.readings} readings would be admitted"]
    for finding in checked.findings:
        where = f" in {finding.place}" if finding.place else ""
        lines.append(f"{finding.readings} rejected as {finding.reason}{where}: {finding.remedy}")
    lines += [f"no purpose needs {path}: do not send it" for path in checked.not_collected]
    return lines


def _by_column(envelope: Envelope, judge: Judge, catalogue: Catalogue) -> Iterator[Finding]:
    for path, column in envelope.series.items():
        alone = msgspec.structs.replace(envelope, series={path: column}, frames=[], dtc=[])
        for reason, readings in judge(encode_envelope(alone)).items():
            if reason in _OF_COLUMNS:
                finding = _finding(reason, _shown(path, catalogue), readings)
                near = nearest(path, catalogue.by_path, alike=0.8)
                if reason is Rejected.UNKNOWN_SIGNAL and near not in (None, path):
                    finding = replace(finding, remedy=f"is {near} meant? {finding.remedy}")
                yield finding


def _finding(reason: Rejected, place: str, readings: int) -> Finding:
    return Finding(reason, place, readings, REMEDIES[reason])


def _shown(path: str, catalogue: Catalogue) -> str:
    words = {word for signal in catalogue for word in signal.path.split(".")}
    return ".".join(word if word in words else MASK for word in path.split("."))
