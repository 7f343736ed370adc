"""``roadfade device list | device show | link list | consent list``: what the office has on record.

In: at most one identifier, typed by a person. Out: row ids, instants, roles and purposes. No
identifier is printed, not even the one that was typed: terminals and job logs are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from roadfade.commands.office_desk import desk_of
from roadfade.terminal.answers import print_json
from roadfade.terminal.arguments import AsJson
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import format_instant

if TYPE_CHECKING:
    from office.registry.intervals import Interval
    from office.registry.listed import ListedConsent, ListedDevice, ListedLink

Row = Mapping[str, Any]
"""What JSON shows of one; the lines for people are made from it."""

HOLDS: Final = "holds"
ENDED: Final = "ended"
EMPTY: Final = "empty"
LATER: Final = "begins later"
NO_DEVICES: Final = (
    "no device is registered: `roadfade register` links one to a person, and registers it if needed"
)
NO_LINKS: Final = "no device is linked to anybody: `roadfade register` links one"
NO_LINKS_OF_SUBJECT: Final = "no device was ever linked to that person"
NO_CONSENTS: Final = "that person has given no consent"


def list_devices(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List every dongle by its row: since when it is known, and whether it is linked now.

    No identifier is printed; `device show` finds the row of an id.
    """
    from office.registry.listed import list_devices  # noqa: PLC0415  # the database toolkit is heavy

    desk = desk_of(ctx)
    found, now_ms = desk.on_database(list_devices), desk.now_ms()
    rows = [_device(one, now_ms) for one in found]
    linked = sum(row["linked"] is not None for row in rows)
    told = f"devices: {len(rows)}, linked now: {linked}"
    _answer("devices", rows, map(_device_line, rows), told if rows else NO_DEVICES, as_json=as_json)


def show_device(
    ctx: typer.Context,
    *,
    device: Annotated[str, typer.Argument(help="Opaque id of the dongle.")],
    as_json: AsJson = False,
) -> None:
    """Show one dongle's row, and every link it had or will have."""
    from office.registry.listed import show_device  # noqa: PLC0415  # the database toolkit is heavy

    desk = desk_of(ctx)
    found = desk.on_database(lambda office: show_device(office, DeviceId(device)))
    now_ms = desk.now_ms()
    links = [_link(one, now_ms) for one in found.links]
    row = _device(found, now_ms)
    if as_json:
        print_json(row | {"links": links})
        return
    typer.echo("\n".join((_device_line(row), *(f"  {_link_line(one)}" for one in links))))


def list_links(
    ctx: typer.Context,
    *,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only this person's; an opaque id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List links by their rows: which device's, from when to when, in which role."""
    from office.registry.listed import list_links  # noqa: PLC0415  # the database toolkit is heavy

    desk = desk_of(ctx)
    person = None if subject is None else SubjectId(subject)
    found, now_ms = desk.on_database(lambda office: list_links(office, person)), desk.now_ms()
    rows = [_link(one, now_ms) for one in found]
    held = sum(row["state"] == HOLDS for row in rows)
    none = NO_LINKS if subject is None else NO_LINKS_OF_SUBJECT
    told = f"links: {len(rows)}, holding now: {held}"
    _answer("links", rows, map(_link_line, rows), told if rows else none, as_json=as_json)


def list_consents(
    ctx: typer.Context,
    *,
    subject: Annotated[str, typer.Option("--subject", help="Opaque id of the person.")],
    as_json: AsJson = False,
) -> None:
    """List to what a person agreed, under which notice, and until when."""
    from office.registry.listed import list_consents  # noqa: PLC0415  # the database toolkit is heavy

    desk = desk_of(ctx)
    found = desk.on_database(lambda office: list_consents(office, SubjectId(subject)))
    now_ms = desk.now_ms()
    rows = [_consent(one, now_ms) for one in found]
    held = sum(row["state"] == HOLDS for row in rows)
    told = f"consents: {len(rows)}, holding now: {held}" if rows else NO_CONSENTS
    _answer("consents", rows, map(_consent_line, rows), told, as_json=as_json)


def _answer(
    name: str, rows: Sequence[Row], lines: Iterable[str], told: str, *, as_json: bool
) -> None:
    if as_json:
        print_json({name: rows})
    else:
        typer.echo("\n".join((*lines, told)))


def _span(span: "Interval", now_ms: int) -> dict[str, Any]:
    if span.empty:
        state = EMPTY
    elif span.holds(now_ms):
        state = HOLDS
    else:
        state = LATER if now_ms < span.from_ms else ENDED
    to = None if span.to_ms is None else format_instant(span.to_ms)
    return {"state": state, "from": format_instant(span.from_ms), "to": to}


def _device(one: "ListedDevice", now_ms: int) -> dict[str, Any]:
    linked = next((link for link in one.links if link.span.holds(now_ms)), None)
    return {
        "row": one.row,
        "registered": format_instant(one.registered_ms),
        "service": one.service,
        "linked": None if linked is None else _link(linked, now_ms),
    }


def _link(one: "ListedLink", now_ms: int) -> dict[str, Any]:
    span = _span(one.span, now_ms)
    return {"row": one.link, "device_row": one.device_row, **span, "role": one.role}


def _consent(one: "ListedConsent", now_ms: int) -> dict[str, Any]:
    return {
        "row": one.consent,
        "purpose": one.purpose,
        "basis": one.basis,
        "recipient": one.recipient,
        "notice": one.notice,
        **_span(one.span, now_ms),
    }


def _device_line(row: Row) -> str:
    link = row["linked"]
    held = "" if link is None else f"linked since {link['from']} as {link['role']}"
    now = held or "linked to nobody now"
    return f"device {row['row']}  known from {row['registered']} on, {now}"


def _link_line(row: Row) -> str:
    return f"link {row['row']}  of device {row['device_row']}, as {row['role']}: {_times(row)}"


def _consent_line(row: Row) -> str:
    to = f" to {row['recipient']}" if row["recipient"] else ""
    given = f"{row['purpose']}: {row['basis']}{to} under {row['notice']}"
    return f"consent {row['row']}  {given}: {_times(row)}"


def _times(row: Row) -> str:
    until = "on" if row["to"] is None else f"until {row['to']}"
    return f"{row['state']}, from {row['from']} {until}"
