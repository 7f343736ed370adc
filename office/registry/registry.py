"""The registry: devices, the people they are linked to, to what they agreed, what is kept back.

Each call is one transaction, durable when it returns, and leaves what the workers must
learn in the outbox in that same transaction. Identifiers go in; row ids come out. All
times are milliseconds UTC. Refusals are OfficeError, and a refused call changed nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from office.errors import OfficeError
from office.registry import consents, devices, events, links, restrictions
from office.registry.consents import NewConsent
from office.registry.erasure_requests import ask_as_withdrawn
from office.registry.events import NewEvent, Remember
from office.registry.links import NewLink
from office.registry.persons import require_known
from office.registry.restrictions import NewRestriction
from office.registry.told_recipients import note_recipients
from office.store.changes import chunks
from office.store.database import Database
from policy.plan.consents import NOTHING_OFFERED, Offers
from policy.plan.outside_recipients import OutsideRecipient
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import ConsentKind, RestrictionReason, Role


class Registered(NamedTuple):
    """Row ids, in the order asked."""

    links: list[str]
    consents: list[str]


class Registry:
    """System of record for links and consents. ``grantable``: what the policy asks for."""

    def __init__(self, database: Database, grantable: Offers = NOTHING_OFFERED) -> None:
        self._database = database
        self._grantable = grantable

    async def register_device(
        self, device: DeviceId, registered_ms: int, service: str | None = None
    ) -> str:
        """Make a device known from an instant on; its row id. Again with equal facts: the same.

        One that nobody was linked to yet may be known from earlier on; else OfficeError.
        ``service``: as which it is known; one that was known without may be given one.
        """
        wanted = {device: registered_ms}
        async with self._database.writing() as connection:
            row = (await devices.register_devices(connection, wanted, service))[device]
            if (await devices.known(connection, [device]))[device].registered_ms != registered_ms:
                msg = (
                    "the device is already registered, from another instant on: leave it, or "
                    "register the dongle under a new id"
                )
                raise OfficeError(msg)
            return row

    async def link(
        self,
        device: DeviceId,
        subject: SubjectId,
        from_ms: int,
        to_ms: int | None = None,
        role: Role | None = None,
    ) -> str:
        """Link a registered device to a subject; the link's id. Again: the same id."""
        async with self._database.writing() as connection:
            new = NewLink(device, subject, from_ms, to_ms, role)
            return (await links.add_links(connection, [new]))[0]

    async def register(
        self,
        device: DeviceId,
        subject: SubjectId,
        from_ms: int,
        role: Role | None = None,
        service: str | None = None,
    ) -> str:
        """Link, and register the device from that instant on if it is not known yet."""
        new = NewLink(device, subject, from_ms, role=role)
        return (await self.register_fleet([new], service=service)).links[0]

    async def register_fleet(
        self,
        wanted: Sequence[NewLink],
        given: Sequence[NewConsent] = (),
        service: str | None = None,
    ) -> Registered:
        """Many links and consents in one transaction: all of them or none.

        Devices not known yet are registered from their earliest link on, all as this service.
        """
        first_ms: dict[DeviceId, int] = {}
        for new in wanted:
            first_ms[new.device] = min(new.from_ms, first_ms.get(new.device, new.from_ms))
        async with self._database.writing() as connection:
            await devices.register_devices(connection, first_ms, service)
            linked = await links.add_links(connection, wanted)
            granted = await consents.add_consents(connection, given, self._grantable)
        return Registered(linked, granted)

    async def close_link(self, device: DeviceId, at_ms: int, begun_by_ms: int | None = None) -> str:
        """End the device's open link (sold, lent, returned); its id. Again: the same id.

        OfficeError if ``at_ms`` lies before the beginning of a link that began by ``begun_by_ms``.
        """
        async with self._database.writing() as connection:
            return await links.close_link(connection, device, at_ms, begun_by_ms)

    async def delete_link(self, link: str) -> bool:
        """Forget a link: nothing recorded under it can be tied to its subject again.

        The secret is in no file of the database when this returns. False if there was
        no such link; the files are scrubbed all the same, so a call cut short is repeated.
        """
        async with self._database.writing() as connection:
            there = await links.delete_link(connection, link)
        await self._database.scrub()
        return there

    async def grant(
        self,
        subject: SubjectId,
        purpose: str,
        basis: ConsentKind,
        recipient: str | None,
        notice: str,
        from_ms: int,
    ) -> str:
        """Record a consent the policy asks for; its row id. Again: the same id.

        OfficeError if a forbid makes it ineffective for every role the subject is linked in.
        """
        new = NewConsent(subject, purpose, basis, recipient, notice, from_ms)
        async with self._database.writing() as connection:
            return (await consents.add_consents(connection, [new], self._grantable))[0]

    async def withdraw(
        self,
        subject: SubjectId,
        purpose: str,
        recipient: str | None,
        at_ms: int,
        *,
        erase: bool = False,
        now_ms: int | None = None,
    ) -> list[str]:
        """End consents at an instant; without a recipient, every recipient's. May be repeated.

        In the same transaction it is asked that what rests on them and is of that instant or later
        be removed; with ``erase``, all that rests on them: then, and not before. ``now_ms``: when
        that is asked; None: at that instant. Returns the row ids that matched; OfficeError if
        nothing ever did.
        """
        async with self._database.writing() as connection:
            ended = await consents.withdraw(
                connection, subject, purpose, recipient, at_ms, tell=erase
            )
            from_ms, asked_ms = None if erase else at_ms, at_ms if now_ms is None else now_ms
            await ask_as_withdrawn(
                connection, subject, purpose, ended, from_ms, asked_ms, begins_ms=at_ms
            )
        return ended

    async def record_events(self, wanted: Sequence[NewEvent], now_ms: int) -> list[str]:
        """Put on record what happened that ends lives. Again: the same row ids.

        All are checked before the first is recorded. Many take several transactions: a withdrawal
        waits for none of them for long. What was cut in between is completed by asking again.
        OfficeError as ``check_events``.
        """
        first = 1 if len(wanted) > 1 else None
        async with self._database.reading() as connection:
            await events.check_events(connection, wanted, now_ms, first=first)
        ids: list[str] = []
        for some in chunks(wanted):
            async with self._database.writing() as connection:
                # Somebody may have been forgotten since.
                behind = None if first is None else first + len(ids)
                await events.check_events(connection, some, now_ms, first=behind)
                ids += await events.record_events(connection, some, now_ms)
        return ids

    async def take_back_event(self, event: str, remember: Remember) -> str:
        """Delete an event that was recorded by mistake; its row id.

        ``remember`` keeps it before this holds. OfficeError once one of its ends was carried out.
        """
        async with self._database.writing() as connection:
            # Before: an older office that is put back must not act on it.
            await remember(await events.take_back(connection, event))
        await self._database.scrub()
        return event

    async def restrict(
        self,
        subject: SubjectId,
        reason: RestrictionReason,
        purpose: str | None,
        recipient: str | None,
        from_ms: int,
        to_ms: int | None = None,
    ) -> str:
        """Keep readings of a subject back, as ``Restriction`` says; the row's id.

        Without a purpose of every purpose, without a recipient of every recipient. Again with
        equal facts: the same id.
        """
        new = NewRestriction(subject, reason, purpose, recipient, from_ms, to_ms)
        async with self._database.writing() as connection:
            return await restrictions.restrict(connection, new)

    async def object_to(
        self,
        subject: SubjectId,
        purpose: str | None,
        recipient: str | None,
        from_ms: int,
        outside: Sequence[OutsideRecipient] = (),
    ) -> str:
        """As ``restrict``, for a person who objects; OfficeError if nobody has that id.

        ``outside``: who has to be told of it, which is put on record with it.
        """
        new = NewRestriction(subject, "objected", purpose, recipient, from_ms, None)
        async with self._database.writing() as connection:
            await require_known(connection, subject)
            row = await restrictions.restrict(connection, new)
            await note_recipients(connection, row, outside, from_ms)
            return row

    async def lift(self, restriction: str, at_ms: int) -> None:
        """End an objection at an instant; it never becomes longer. May be repeated.

        OfficeError if there is none of that id, and for what was erased.
        """
        async with self._database.writing() as connection:
            await restrictions.lift(connection, restriction, at_ms)
