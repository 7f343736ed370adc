"""From plan to one Open Data Contract Standard (ODCS) 3.1 contract per output topic."""

from typing import Any, Final

from policy.artefacts.acls import READER
from policy.compiled import CompiledPolicy
from policy.plan.columns import OutputColumn, columns_of
from policy.plan.plan import Output, Plan
from policy.vocabulary.words import format_duration
from telemetry.wire.record import TROUBLE_CODES

API_VERSION: Final = "v3.1.0"
PATTERN_NOTE: Final = "counted from the earlier of reading and reception"


def contracts(policy: CompiledPolicy) -> dict[str, dict[str, Any]]:
    """Every output's contract, by output id."""
    return {output.id: _contract(policy, output) for output in policy.plan.outputs}


def _contract(policy: CompiledPolicy, output: Output) -> dict[str, Any]:
    plan, controller = policy.plan, policy.document.policy.content.controller
    page = policy.document.page(output.purpose)
    recipient = next(one for one in page.recipients if one.id == output.recipient)
    notices = sorted({rule.basis.notice for lane in output.lanes for rule in lane.rules})
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"{plan.policy}/{output.id}",
        "name": f"{page.title.en}: {recipient.who.en}",
        "version": plan.policy_version,
        "status": "active",
        "domain": "connected-vehicle",
        "description": {
            "purpose": page.title.en,
            "usage": f"For {recipient.who.en} ({output.recipient_class}), for this purpose only.",
            "limitations": "Never joined with another purpose's records, never used to identify.",
        },
        "servers": [
            {"server": "kafka", "type": "kafka", "host": "${KAFKA_BOOTSTRAP}", "format": "json"}
        ],
        "schema": [_schema(plan, output)],
        "slaProperties": _promises(output),
        "roles": [{"role": READER + output.id, "access": "read"}],
        "support": [
            {"channel": controller.name.en, "tool": "email", "url": f"mailto:{controller.contact}"}
        ],
        "customProperties": [
            {"property": "purpose", "value": output.purpose},
            {"property": "recipientClass", "value": output.recipient_class},
            {"property": "countries", "value": list(recipient.countries)},
            {"property": "notices", "value": notices},
            {"property": "pseudonymEpoch", "value": str(output.epoch)},
        ],
    }


def _schema(plan: Plan, output: Output) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [
        _plain("v", "integer", "Version of the record's form."),
        _plain("pseudonym", "string", f"The same for {output.epoch}, then another.")
        | {"classification": "pseudonymised"},
        _plain("t0", "timestamp", "Start of the record, floored."),
    ]
    properties += [_column(plan, column) for column in columns_of(plan, output)]
    return {
        "name": output.id,
        "physicalName": output.topic,
        "physicalType": "topic",
        "logicalType": "object",
        "description": "One record holds what one retention class keeps of one envelope.",
        "properties": properties,
    }


def _plain(name: str, kind: str, description: str) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, "required": True, "description": description}


def _column(plan: Plan, column: OutputColumn) -> dict[str, Any]:
    in_series = column.path != TROUBLE_CODES
    place = f'series["{column.path}"]' if in_series else "dtc"
    custom = [
        {"property": "lane", "value": column.lane.name},
        {"property": "keptAtMost", "value": str(column.lane.period)},
        {"property": "treatment", "value": column.treatment},
        {"property": "basis", "value": str(column.rule.basis.kind)},
        {"property": "authorities", "value": list(column.rule.cites)},
    ]
    cell = plan.cell(column.rule.cell)
    if cell is not None and cell.on_withdrawal is not None:
        custom.append({"property": "onWithdrawal", "value": cell.on_withdrawal})
    if column.unit:
        custom.append({"property": "unit", "value": column.unit})
    return {
        "name": f"{column.path} ({column.lane.name})",
        "physicalName": place,
        "logicalType": "array",
        "items": {"logicalType": column.type},
        "classification": column.rule.category,
        "customProperties": custom,
    }


def _promises(output: Output) -> list[dict[str, Any]]:
    return [
        {
            "property": "retention",
            "value": lane.period.count,
            "unit": lane.period.unit,
            "element": output.id,
            "driver": "regulatory",
            "description": f"lane {lane.name}, at most, {PATTERN_NOTE}",
        }
        for lane in output.lanes
    ] + [
        {
            "property": "retention",
            "value": output.transport.bound_ms,
            "unit": "ms",
            "element": output.topic,
            "driver": "regulatory",
            "description": f"a byte on the topic: {format_duration(output.transport.bound_ms)}",
        }
    ]
