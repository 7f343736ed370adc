"""What the core is taught, as bytes: MessagePack of the shapes in ``core/src/tables.rs``.

Made of the program and of decisions that were taken here. No policy goes over: what may leave, and
under which name, the core looks up.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, assert_never

import msgspec

from policy.vocabulary.operations import (
    H3_AS_COARSE_AS,
    PAIR,
    Bucket,
    Keep,
    Mesh,
    MeshH3,
    MeshJis,
    Round,
    ThinCount,
    ThinTime,
)
from policy.vocabulary.operations import Thin as ThinOperation
from processors.column_operations import Valued
from processors.column_plan import ColumnPlan, MeshStep, RouteStep
from processors.device_answers import DeviceAnswer
from processors.expiry import EXPIRIES_KEPT_MAX, Expiry
from processors.minimise import COLUMN_PLANS_KEPT_MAX
from processors.program import Program
from processors.pseudonyms import LinkPseudonyms, RecordStamp
from processors.reused_ids import IDS_KEPT_MAX
from telemetry.decimals import ratio
from telemetry.signals import Signal
from telemetry.wire.record import CONSENT, LATITUDE, LONGITUDE, MESH, TROUBLE_CODES

TABLES_VERSION: Final = 2
Shape = dict[str, Any]

_pack = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode


def table_bytes(program: Program) -> bytes:
    """What of a program does not depend on who, when and which columns."""
    collected = [program.index.get(path) for path in PAIR]
    known = (signal for signal in program.plan.catalogue if not signal.derived)
    return _pack(
        {
            "version": TABLES_VERSION,
            "signals": [
                {"path": one.path, "unit": one.unit, "kind": _kind(one)} for one in program.signals
            ],
            "not_collected": [
                signal.path
                for signal in known
                if signal.path not in program.index and signal.path != TROUBLE_CODES
            ],
            "position": None if None in collected else collected,
            "trouble_codes": program.index_of_codes if program.collects_codes else None,
            "sources": program.plan.sources,
            "without_source": program.plan.takes_source(None),
            "tally_width": program.width,
            "topics": [route.output.topic for route in program.routes],
            "minutes_kept_max": EXPIRIES_KEPT_MAX,
            "column_plans_kept_max": COLUMN_PLANS_KEPT_MAX,
            "ids_kept_max": IDS_KEPT_MAX,
        }
    )


def _kind(signal: Signal) -> Any:
    if signal.datatype == "boolean":
        return "Boolean"
    if signal.datatype == "string":
        return {"Word": signal.allowed}
    if signal.min is None or signal.max is None:
        msg = "a number has a range in the catalogue"
        raise AssertionError(msg)
    if signal.is_integer:
        return {"Whole": {"low": int(signal.min), "high": int(signal.max)}}
    return {"Float": {"low": float(signal.min), "high": float(signal.max)}}


def column_plan_bytes(program: Program, plan: ColumnPlan, present: tuple[int, ...]) -> bytes:
    """A column plan for these columns, and the rules over time that have readings among them."""
    rules = program.rules_on(present)
    place_of = {number: place for place, (number, _) in enumerate(rules)}
    at = {program.signals[place].path: n for n, place in enumerate(present)}
    return _pack(
        {
            "rules": [
                {"rule": number, "by": _thin(program.time_rules[number].operation), "on": _on(of)}
                for number, of in rules
            ],
            "thin": [
                {
                    "source": step.source,
                    "chosen": place_of[step.rule],
                    "thinned_slots": step.thinned_slots,
                    "not_rebuilt_slots": step.not_rebuilt_slots,
                }
                for step in plan.thin
            ],
            "value": [
                {"source": step.source, "steps": _steps(step.operations)} for step in plan.value
            ],
            "mesh": [_mesh(step, place_of) for step in plan.mesh],
            "unions": [step._asdict() for step in plan.unions],
            "routes": [_route(step) for step in plan.routes],
            "latitude": at.get(LATITUDE),
            "longitude": at.get(LONGITUDE),
        }
    )


def _on(columns: tuple[int, ...]) -> Any:
    return {"Column": columns[0]} if len(columns) == 1 else "Pairs"


def _thin(operation: ThinOperation) -> Shape:
    match operation:
        case ThinCount(one_in):
            return {"Count": one_in}
        case ThinTime(every_ms):
            return {"Time": every_ms}
        case _:
            assert_never(operation)


def _steps(operations: Iterable[Valued]) -> list[Shape]:
    steps = []
    for operation in operations:
        match operation:
            case Keep():
                continue
            case Bucket(width):
                top, bottom = ratio(width)
                half, whole = False, bottom == 1
            case Round(step):
                top, bottom = ratio(step)
                half, whole = True, bottom == 1 < top
            case _:
                assert_never(operation)
        steps.append({"top": top, "bottom": bottom, "half": half, "whole": whole})
    return steps


def _mesh(step: MeshStep, place_of: Mapping[int, int]) -> Shape:
    jis_m, h3_resolution = _grid(step.mesh)
    return {
        "chosen": None if step.rule is None else place_of[step.rule],
        "thinned_slots": step.thinned_slots,
        "not_rebuilt_slots": step.not_rebuilt_slots,
        "jis_m": jis_m,
        "h3_resolution": h3_resolution,
        "unpaired_slots": step.unpaired_slots,
        "off_grid_slots": step.off_grid_slots,
    }


def _grid(mesh: Mesh) -> tuple[int | None, int | None]:
    """The size of a JIS cell in metres, and the H3 resolution where there is none."""
    match mesh:
        case MeshH3(resolution):
            return None, resolution
        case MeshJis(size_m, elsewhere):
            return size_m, H3_AS_COARSE_AS[size_m] if elsewhere else None
        case _:
            assert_never(mesh)


def _route(step: RouteStep) -> Shape:
    return {
        "route": step.route,
        "floor_ms": step.floor_ms,
        "columns": [
            {
                "head": _json(path) + b':{"unit":' + _json(unit) + b',"dt":',
                "register": register,
                "mesh": path == MESH,
            }
            for path, unit, register in step.columns
        ],
        "trouble_codes": step.trouble_codes,
    }


def device_bytes(answer: DeviceAnswer, decision: int, pseudonyms: LinkPseudonyms | None) -> bytes:
    """What was decided for a device; ``decision`` by its number, if no route is late."""
    permission = answer.permit
    return _pack(
        {
            "registered_ms": answer.registered_ms,
            "from_ms": permission.from_ms,
            "to_ms": permission.to_ms,
            "now_from_ms": permission.now_from_ms,
            "now_to_ms": permission.now_to_ms,
            "decision": decision,
            "link": None if pseudonyms is None else _link(pseudonyms),
        }
    )


def _link(pseudonyms: LinkPseudonyms) -> Shape:
    return {
        "epoch_from_ms": pseudonyms.from_ms,
        "epoch_to_ms": pseudonyms.to_ms,
        "stamps": [_stamp(route, stamp) for route, stamp in pseudonyms.stamps.items()],
    }


def _stamp(route: int, stamp: RecordStamp) -> Shape:
    # A consent stands behind all that links have in common.
    return {
        "route": route,
        "partition": stamp.partition,
        "text": stamp.text,
        "id_key": stamp.id_key,
        "fixed": [one for one in stamp.fixed_headers if one[0] != CONSENT],
        "own": [one for one in stamp.fixed_headers if one[0] == CONSENT],
    }


def minute_bytes(expiry: Expiry) -> bytes:
    """When lives that start in one minute end."""
    return _pack(
        {
            "expires_at": [text for _, text in expiry.expires_at],
            "deadlines_ms": expiry.deadlines_ms,
            "first_deadline_ms": expiry.first_deadline_ms,
        }
    )
