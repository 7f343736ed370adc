"""To what people agreed, and until when. Every function runs in the caller's transaction."""

import secrets
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.consent_choice import not_offered
from office.registry.devices import checked_id
from office.registry.ineffective_consents import consent_parts, refuse_void
from office.registry.intervals import Interval, shortened
from office.registry.persons import refuse_forgotten
from office.store.changes import ControlChange, announce, chunks
from office.store.row_ids import NONCE_BYTES, new_row_id
from office.store.tables import CONSENTS
from policy.plan.consents import Grantable, Offers
from telemetry.identity import SubjectId
from telemetry.topics import CONTROL_CONSENTS
from telemetry.wire.control import ConsentInterval, ConsentKind


class NewConsent(NamedTuple):
    """A consent someone gives from ``from_ms`` on, until it is withdrawn."""

    subject: SubjectId
    purpose: str
    basis: ConsentKind
    recipient: str | None
    notice: str
    from_ms: int

    @property
    def asks(self) -> Grantable:
        """What of the policy it consents to."""
        return Grantable(self.purpose, self.basis, self.recipient, self.notice)


def consent_of(row: Row[Any]) -> ConsentInterval:
    """A row of the table as the control topic carries it."""
    return ConsentInterval(
        consent=row.consent,
        subject=SubjectId(row.subject),
        purpose=row.purpose,
        basis=row.basis,
        recipient=row.recipient,
        notice=row.notice,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
    )


async def add_consents(
    connection: AsyncConnection, wanted: Sequence[NewConsent], grantable: Offers
) -> list[str]:
    """Row ids in the order asked; a consent that exists already is answered with its own id.

    So is a consent recorded again, even if it was withdrawn since: repeating it does not
    undo the withdrawal. OfficeError if the policy asks for no such consent, if a
    forbid makes it ineffective for the subject, if it would begin before an earlier
    withdrawal, or if the subject is about to be forgotten.
    """
    held = await _consents_of(connection, {consent.subject for consent in wanted})
    parts = await consent_parts(connection, {consent.subject for consent in wanted})
    ids, fresh = list[str](), list[ConsentInterval]()
    for new in wanted:
        checked_id("subject", new.subject)
        if new.asks not in grantable:
            raise not_offered(grantable, new.purpose)
        consents = held.setdefault(new.subject, [])
        given = _already([consent for consent in consents if _asked(consent) == new.asks], new)
        if given is None:
            refuse_void(parts.get(new.subject, ()), new.from_ms, grantable[new.asks])
            given = ConsentInterval(new_row_id(), new.subject, *new.asks, new.from_ms, None)
            consents.append(given)
            fresh.append(given)
        ids.append(given.consent)
    await refuse_forgotten(connection, {consent.subject for consent in fresh})
    await _insert(connection, fresh)
    return ids


async def withdraw(
    connection: AsyncConnection,
    subject: SubjectId,
    purpose: str,
    recipient: str | None,
    at_ms: int,
    *,
    tell: bool = False,
) -> list[str]:
    """End the subject's consents to a purpose at an instant; row ids of those that matched.

    Without a recipient: every recipient's. A withdrawal only shortens: a consent that
    begins later ends as it begins, one that ended earlier stays. OfficeError if none
    was ever given, so that a withdrawal with a mistyped word does not pass as done. ``tell``:
    publish those, too, that had ended already, for what is said of them now is remembered so.
    """
    held = (await _consents_of(connection, {subject})).get(subject, [])
    matching = [
        consent
        for consent in held
        if consent.purpose == purpose and recipient in (None, consent.recipient)
    ]
    if not matching:
        msg = (
            "that subject never consented to that purpose and recipient: check the subject "
            "id, and the purpose and recipient as the policy spells them"
        )
        raise OfficeError(msg)
    for consent in matching:
        await _shorten(connection, consent, at_ms, tell=tell)
    return [consent.consent for consent in matching]


async def delete_consents(connection: AsyncConnection, subject: SubjectId) -> int:
    """Forget all to what a subject ever agreed; how many rows. The caller scrubs after."""
    of_subject = CONSENTS.c.subject == subject
    found = list(await connection.scalars(select(CONSENTS.c.consent).where(of_subject)))
    await connection.execute(delete(CONSENTS).where(of_subject))
    await announce(connection, [ControlChange(CONTROL_CONSENTS, row, None) for row in found])
    return len(found)


async def _shorten(
    connection: AsyncConnection, consent: ConsentInterval, at_ms: int, *, tell: bool
) -> None:
    ended = shortened(_interval(consent), at_ms)
    if ended == _interval(consent) and not tell:
        return
    where = CONSENTS.c.consent == consent.consent
    await connection.execute(update(CONSENTS).where(where).values(to_ms=ended.to_ms))
    row = ConsentInterval(consent.consent, consent.subject, *_asked(consent), *ended)
    await announce(connection, [ControlChange(CONTROL_CONSENTS, row.consent, row)])


def _already(equal: Collection[ConsentInterval], new: NewConsent) -> ConsentInterval | None:
    for consent in equal:
        open_since = consent.to_ms is None and consent.from_ms <= new.from_ms
        if open_since or consent.from_ms == new.from_ms:
            return consent
    # One withdrawn before it began holds nothing, and locks nobody out.
    held = [_interval(consent) for consent in equal if not _interval(consent).empty]
    if any(span.to_ms is not None and new.from_ms < span.to_ms for span in held):
        msg = (
            "the same consent was withdrawn later than this one would begin: begin it at the "
            "withdrawal or after"
        )
        raise OfficeError(msg)
    return None


def _asked(consent: ConsentInterval) -> Grantable:
    return Grantable(consent.purpose, consent.basis, consent.recipient, consent.notice)


def _interval(consent: ConsentInterval) -> Interval:
    return Interval(consent.from_ms, consent.to_ms)


async def _consents_of(
    connection: AsyncConnection, subjects: Collection[SubjectId]
) -> dict[SubjectId, list[ConsentInterval]]:
    found: dict[SubjectId, list[ConsentInterval]] = {}
    for some in chunks(sorted(subjects)):
        for row in await connection.execute(select(CONSENTS).where(CONSENTS.c.subject.in_(some))):
            consent = consent_of(row)
            found.setdefault(consent.subject, []).append(consent)
    return found


async def _insert(connection: AsyncConnection, fresh: Sequence[ConsentInterval]) -> None:
    if fresh:
        await connection.execute(
            insert(CONSENTS),
            [
                {
                    "consent": consent.consent,
                    "subject": consent.subject,
                    **_asked(consent)._asdict(),
                    **_interval(consent)._asdict(),
                    "nonce": secrets.token_bytes(NONCE_BYTES),
                }
                for consent in fresh
            ],
        )
        changes = [ControlChange(CONTROL_CONSENTS, consent.consent, consent) for consent in fresh]
        await announce(connection, changes)
