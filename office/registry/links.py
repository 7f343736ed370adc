"""Whose device it is, and when. Every function runs in the caller's transaction.

A link is a subject, a vehicle and an interval, with a random secret that lives only in
its row (and the workers' sealed view). At most one link holds a device at any instant.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.devices import checked_id, known
from office.registry.erasure_requests import names
from office.registry.intervals import Interval, asked_interval, shortened
from office.registry.persons import refuse_forgotten
from office.store.changes import ControlChange, announce, chunks
from office.store.erasure_tables import ERASURES
from office.store.event_tables import EVENT_ENDS, EVENTS
from office.store.row_ids import new_row_id
from office.store.tables import LINKS
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.topics import CONTROL_LINKS
from telemetry.wire.control import UNCONFIRMED, LinkInterval, Role

SECRET_BYTES: Final = 32
OTHER_ROLE: Final = (
    "the link exists in another role, which readings already recorded keep: end it "
    "(roadfade unregister) and register another with this role"
)
WOULD_EMPTY: Final = (
    "the link began after that instant, so that nothing recorded since would be anybody's: give an "
    "instant after its beginning, or --empty if the link was never right"
)
CORRECTED: Final = (
    "the vehicle was corrected not to be that person's for part of that time, and stays so however "
    "often the link is registered: take it out of the list, or begin it after that time; if the "
    "correction was wrong, name whoever had it (roadfade person correct --whose)"
)


class NewLink(NamedTuple):
    """A link someone asks for: ``[from_ms, to_ms)``, open without an end."""

    device: DeviceId
    subject: SubjectId
    from_ms: int
    to_ms: int | None = None
    role: Role | None = None
    """What the person is to the vehicle; None: not given, so who drives is not confirmed."""


def link_of(row: Row[Any]) -> LinkInterval:
    """A row of the table as the control topic carries it."""
    return LinkInterval(
        link=row.link,
        device=DeviceId(row.device),
        subject=SubjectId(row.subject),
        secret=LinkSecret(row.secret),
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        role=row.role,
    )


def link_row(link: LinkInterval) -> dict[str, Any]:
    """A link as a row of the table."""
    return {
        "link": link.link,
        "device": link.device,
        "subject": link.subject,
        "secret": bytes(link.secret),
        "from_ms": link.from_ms,
        "to_ms": link.to_ms,
        "role": link.role,
    }


async def add_links(
    connection: AsyncConnection, wanted: Sequence[NewLink], *, correcting: bool = False
) -> list[str]:
    """Row ids in the order asked; a link that exists already is answered with its own id.

    OfficeError if a device is not registered by then, another link overlaps, the same link
    exists in another role, the person is about to be forgotten, or a correction took the vehicle
    from them for part of that time, unless this is one, too (``correcting``).
    """
    held = await _links_of(connection, {link.device for link in wanted})
    registered = await known(connection, {link.device for link in wanted})
    corrected = {} if correcting else await _corrected(connection, held, wanted)
    ids, fresh = list[str](), list[LinkInterval]()
    for new in wanted:
        checked_id("subject", new.subject)
        known_device = registered.get(new.device)
        _check_registered(known_device and known_device.registered_ms, new.from_ms)
        interval = asked_interval(new.from_ms, new.to_ms)
        links = held.setdefault(new.device, [])
        same = _same(links, new.subject, interval)
        if same is None:
            if any(
                span.overlaps(interval) for span in corrected.get((new.device, new.subject), ())
            ):
                raise OfficeError(CORRECTED)
            _require_free(links, interval)
            secret = LinkSecret(secrets.token_bytes(SECRET_BYTES))
            role = new.role or UNCONFIRMED
            same = LinkInterval(new_row_id(), new.device, new.subject, secret, *interval, role)
            links.append(same)
            fresh.append(same)
        elif new.role not in (None, same.role):
            raise OfficeError(OTHER_ROLE)
        ids.append(same.link)
    await refuse_forgotten(connection, {link.subject for link in fresh})
    await _insert(connection, fresh)
    await _ask_ends_again(connection, fresh)
    return ids


async def _ask_ends_again(connection: AsyncConnection, fresh: Sequence[LinkInterval]) -> None:
    """Have ends that events brought about asked for whoever is linked from before the event.

    They may have been carried out by now, and withhold from those alone who were linked then.
    Asking again withholds nothing twice.
    """
    for some in chunks(fresh):
        of_device = EVENTS.c.device.in_({link.device for link in some})
        of_person = EVENTS.c.subject.in_({link.subject for link in some})
        again = [
            row.event
            for row in await connection.execute(select(EVENTS).where(of_device | of_person))
            if any(
                link.from_ms < row.at_ms
                for link in some
                if link.device == row.device or link.subject == row.subject
            )
        ]
        for events in chunks(again):
            gone = EVENT_ENDS.c.event.in_(events)
            these = EVENTS.c.event.in_(events)
            ended = these & EVENTS.c.event.in_(select(EVENT_ENDS.c.event).where(gone))
            await connection.execute(update(EVENTS).where(ended).values(acted=True))
            await connection.execute(delete(EVENT_ENDS).where(gone))
            await connection.execute(update(EVENTS).where(these).values(look_ms=0))


def _check_registered(since_ms: int | None, from_ms: int) -> None:
    if since_ms is None:
        msg = "the device is not registered: register it first (roadfade device register)"
        raise OfficeError(msg)
    if from_ms < since_ms:
        msg = (
            "the link begins before the device was registered, and nothing older of it is "
            "admitted: begin the link at the registration or later"
        )
        raise OfficeError(msg)


async def _corrected(
    connection: AsyncConnection,
    held: Mapping[DeviceId, Collection[LinkInterval]],
    wanted: Sequence[NewLink],
) -> dict[tuple[DeviceId, SubjectId], list[Interval]]:
    """When, by device and person, a correction says that the vehicle was not theirs.

    One for good is about the time until it was asked: who buys a vehicle back has it.
    """
    devices = {link.link: link.device for links in held.values() for link in links}
    found: dict[tuple[DeviceId, SubjectId], list[Interval]] = {}
    for some in chunks(sorted({link.subject for link in wanted})):
        theirs = (ERASURES.c.kind == "correction") & ERASURES.c.subject.in_(some)
        for row in await connection.execute(select(ERASURES).where(theirs)):
            to_ms = max(row.asked_ms, row.from_ms + 1) if row.to_ms is None else row.to_ms
            for device in {devices[link] for link in names(row.links) or () if link in devices}:
                spans = found.setdefault((device, SubjectId(row.subject)), [])
                spans.append(Interval(row.from_ms, to_ms))
    return found


def _same(
    links: Collection[LinkInterval], subject: SubjectId, wanted: Interval
) -> LinkInterval | None:
    """The link that is asked for again; of one that was cut in two, the later part."""
    for link in links:
        if link.subject != subject or link.to_ms != wanted.to_ms:
            continue
        parts = [Interval(one.from_ms, one.to_ms) for one in links if one.secret == link.secret]
        if any(part.from_ms == wanted.from_ms for part in parts):
            return link
        if wanted.to_ms is None and any(part.holds(wanted.from_ms) for part in parts):
            return link
    return None


def _require_free(links: Collection[LinkInterval], wanted: Interval) -> None:
    if any(Interval(link.from_ms, link.to_ms).overlaps(wanted) for link in links):
        msg = (
            "the device is already linked for part of that time, and a reading has one "
            "subject: close the earlier link first (roadfade unregister), or begin later"
        )
        raise OfficeError(msg)


async def close_link(
    connection: AsyncConnection, device: DeviceId, at_ms: int, begun_by_ms: int | None = None
) -> str:
    """End the device's open link at an instant; its row id. Asked again: the same answer.

    A link that begins later has not begun by then: it ends as it begins, and holds nothing. That
    would take a link that has begun from its person with all that was recorded: OfficeError if it
    began by ``begun_by_ms`` (None: whatever it takes is meant).
    """
    links = (await _links_of(connection, {device})).get(device, [])
    for link in sorted(links, key=lambda one: one.to_ms is not None):
        ended = shortened(Interval(link.from_ms, None), at_ms)
        if link.to_ms == ended.to_ms:
            return link.link
        if link.to_ms is None:
            if begun_by_ms is not None and at_ms < link.from_ms <= begun_by_ms:
                raise OfficeError(WOULD_EMPTY)
            of_link = LINKS.c.link == link.link
            await connection.execute(update(LINKS).where(of_link).values(to_ms=ended.to_ms))
            closed = msgspec.structs.replace(link, to_ms=ended.to_ms)
            await announce(connection, [ControlChange(CONTROL_LINKS, link.link, closed)])
            return link.link
    msg = "the device has no open link: check the device id"
    raise OfficeError(msg)


async def delete_link(connection: AsyncConnection, link: str) -> bool:
    """Forget a link and its secret; False if there is none. The caller scrubs after."""
    gone = await connection.execute(delete(LINKS).where(LINKS.c.link == link))
    if gone.rowcount == 0:
        return False
    await announce(connection, [ControlChange(CONTROL_LINKS, link, None)])
    return True


async def _links_of(
    connection: AsyncConnection, devices: Collection[DeviceId]
) -> dict[DeviceId, list[LinkInterval]]:
    found: dict[DeviceId, list[LinkInterval]] = {}
    for some in chunks(sorted(devices)):
        for row in await connection.execute(select(LINKS).where(LINKS.c.device.in_(some))):
            link = link_of(row)
            found.setdefault(link.device, []).append(link)
    return found


async def _insert(connection: AsyncConnection, fresh: Sequence[LinkInterval]) -> None:
    if fresh:
        await connection.execute(
            insert(LINKS),
            [link_row(link) for link in fresh],
        )
        await announce(
            connection, [ControlChange(CONTROL_LINKS, link.link, link) for link in fresh]
        )
