"""A small document as texts, and ways to change it: every test changes one thing."""

from collections.abc import Mapping

from policy.compiled import CompiledPolicy
from policy.compiler.compile import Compiled, compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.language.problems import Problem, Severity
from policy.plan.limits import Limits
from policy.plan.plan import Output, Plan, Rule
from telemetry.signals import Catalogue, Kind, Signal
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES

SPEED = "Vehicle.Speed"
ALTITUDE = "Vehicle.CurrentLocation.Altitude"
FUEL = "Vehicle.OBD.FuelLevel"
VIN = "Vehicle.VehicleIdentification.VIN"


def _signal(path: str, unit: str = "", kind: Kind = Kind.TECHNICAL, **more: object) -> Signal:
    number = {"datatype": "float", "min": -1e6, "max": 1e6}
    return Signal(path=path, unit=unit, kind=kind, **(number | more))  # type: ignore[arg-type]


CATALOGUE = Catalogue(
    "test",
    {
        signal.path: signal
        for signal in (
            _signal(SPEED, "km/h", Kind.BEHAVIOUR),
            _signal(LATITUDE, "degrees", Kind.POSITION),
            _signal(LONGITUDE, "degrees", Kind.POSITION),
            _signal(ALTITUDE, "m", Kind.POSITION),
            _signal(MESH, kind=Kind.POSITION, datatype="string", min=None, max=None, derived=True),
            _signal(TROUBLE_CODES, datatype="string", min=None, max=None),
            _signal(FUEL, "percent"),
            _signal("Vehicle.OBD.EngineSpeed", "rpm"),
            _signal(VIN, kind=Kind.IDENTITY, datatype="string", min=None, max=None),
        )
    },
)

FILES: Mapping[str, str] = {
    "policy.yaml": """\
policy: small
version: 1
effective: 2026-10-01
controller: {name: {ja: 甲, en: N}, address: {ja: 東京, en: A}, representative: {ja: 乙, en: R}, contact: c@example.jp}
raw: {topic_at_most: 24 hours, cites: [C1-04]}
ledger: {topic_at_most: 400 days, cites: [C1-05]}
transport: {topic_at_most: 7 days, cites: [C1-04]}
outside: {to: [third_party, joint_user], location_at_least: P3, cites: [APPI-27]}
forbids: []
scope: {services: [car, van], sources: [obd, can], unstated: {service: car, source: obd, because: of before names, cites: [C1-04]}, subjects: [customer], cites: [C1-04]}
analytics: {dpv: [dpv:CommercialResearch], never: [C06], at_least: 10, cites: [C1-04]}
zone: Asia/Tokyo
""",
    "authorities.yaml": """\
authorities:
  C2-08: {kind: clause, title: {ja: 研究, en: research}}
  C1-03: {kind: requirement, title: {ja: 目的内の利用, en: use within the purpose}}
  C1-04: {kind: requirement, title: {ja: 保存, en: periods}}
  C1-05: {kind: requirement, title: {ja: 安全, en: security}}
  APPI-27: {kind: law, title: {ja: 法第27条, en: Act Art. 27}}
  X-1: {kind: requirement, title: {ja: 例, en: an example}}
""",
    "clauses.yaml": """\
clauses:
  C2-08: {rules: [study], evidence: ["tests/policy/test_shipped.py::test_its_cases_hold_for_every_purpose"]}
""",
    "profiles.yaml": """\
profiles:
  jp-appi-2022:
    title: {ja: 個人情報保護法, en: the Act on the Protection of Personal Information}
    effective: 2022-04-01
    home: [JP]
    requires: [transfer_route, joint_use_terms]
    cites: [APPI-27]
""",
    "categories.yaml": """\
categories:
  C06: {title: {ja: 車両, en: vehicle}, facts: {vehicle_class: {ja: 車両の種別, en: class of vehicle}}}
  C07:
    title: {ja: 位置, en: location}
    signals: [Vehicle.CurrentLocation.Latitude, Vehicle.CurrentLocation.Longitude]
  C09: {title: {ja: 速度, en: speed}, signals: [Vehicle.Speed]}
  C10: {title: {ja: 故障, en: faults}, signals: [Vehicle.OBD.DTCList]}
  C11: {title: {ja: 動力, en: powertrain}, signals: [Vehicle.OBD.**]}
""",
    "precision.yaml": """\
precisions:
  P0: {space: exact, time: 1 s}
  P2: {space: jis-mesh 500 m, time: 10 min}
  P3: {space: jis-mesh 1000 m, time: 1 h}
  P5: {space: prefecture, time: 31 days}
""",
    "purposes/study.yaml": """\
purpose: study
title: {ja: 研究, en: Study}
dpv: dpv:ResearchAndDevelopment
seed: 第2(8)
delivery: {mode: stream, release: live, because: people wait for it}
basis: {kind: published, notice: study@1}
identity: {form: pseudonym, of: link, epoch: 3 months}
recipients:
  - {id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]}
cells:
  C07:
    basis: {kind: location, notice: study@1}
    precision: P2
    keep: {at_most: 30 days, from: reading, because: {ja: 場所を知るため, en: where it happens}}
    cites: [C2-08]
  C09:
    precision: P0
    do: {Vehicle.Speed: [thin 10 s, bucket 10 km/h]}
    keep: {at_most: 12 months, from: reading, because: {ja: 負荷を知るため, en: load profiles}}
    cites: [C2-08]
  C11:
    precision: P0
    keep: {at_most: 12 months, from: reading, because: {ja: 負荷を知るため, en: load profiles}}
    cites: [C2-08]
forbids: []
""",
    "notices/study@1.yaml": """\
notice: study@1
effective: 2026-09-01
text: {ja: 研究のために使います。, en: We use it to study.}
""",
    "cases/study.yaml": """\
cases:
  - {signal: Vehicle.Speed, to: team, expect: deliver, value: 43.5, becomes: 40}
""",
}


def bent(file: str, old: str, new: str) -> dict[str, str]:
    """The small document with one route changed; the route must occur once."""
    assert FILES[file].count(old) == 1, f"{old!r} occurs {FILES[file].count(old)} times"
    return {**FILES, file: FILES[file].replace(old, new)}


def compiled(files: Mapping[str, str] = FILES, limits: Limits | None = None) -> Compiled:
    """Parsed and compiled; a document that does not parse gives its problems and no plan."""
    document = parse(files)
    if not isinstance(document, Document):
        return Compiled(None, document)
    return compile_plan(document, CATALOGUE, limits or Limits())


def policy_of(files: Mapping[str, str] = FILES, limits: Limits | None = None) -> CompiledPolicy:
    """A document that compiles, with its plan."""
    result = compiled(files, limits)
    assert result.policy is not None, [str(problem) for problem in result.problems]
    return result.policy


def plan_of(files: Mapping[str, str] = FILES, limits: Limits | None = None) -> Plan:
    """The plan of a document that compiles."""
    return policy_of(files, limits).plan


def errors(files: Mapping[str, str], limits: Limits | None = None) -> list[str]:
    """The errors, as a person reads them."""
    return [str(p) for p in compiled(files, limits).problems if p.severity is Severity.ERROR]


def warnings(files: Mapping[str, str]) -> list[Problem]:
    """The warnings of a document that compiles."""
    return [p for p in compiled(files).problems if p.severity is Severity.WARNING]


def rule_of(output: Output, signal: str) -> Rule:
    """The one rule of an output for a signal."""
    (found,) = [rule for lane in output.lanes for rule in lane.rules if rule.signal == signal]
    return found
