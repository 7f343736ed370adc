"""One request with its receipts and the end of the chain: all that a certificate of it tells.

In: the office's database, a request's number, or a person's nonce and id. Out: what is on record; a
chain that is not whole certifies nothing.
"""

from dataclasses import dataclass
from typing import Final

from office.erasure.on_record import one_of, surroundings
from office.erasure.overview import Overview, held_of, told
from office.erasure.receipt_chain import (
    FIRST_HASH,
    Head,
    Sign,
    Told,
    file_of,
    head_of,
    mine,
    read,
    verify,
)
from office.erasure.receipts import all_receipts
from office.errors import OfficeError
from office.registry.told_recipients import ToTell, recipients_of
from office.store.database import Database
from telemetry.instants import to_datetime

NO_CHAIN: Final = (0, FIRST_HASH)
NOT_WHOLE: Final = "the chain of receipts is not whole: see `roadfade receipts verify`"
NOT_YET: Final = "there is no receipt of that request yet: `roadfade office` writes them"
NOBODYS: Final = "no request is opened by that number and that id: check both"
NO_REQUEST: Final = "there is no request of that number: check it (`roadfade receipts list`)"


@dataclass(frozen=True, slots=True)
class Certified:
    """What a certificate tells. Nobody stands in it, but for the nonce in ``overview``."""

    overview: Overview
    receipts: tuple[Told, ...]
    """Of this request, in order; none if nothing was left for it to do."""
    head: Head
    """Where the chain stood as the certificate was made."""
    public_key: bytes
    recipients: tuple[ToTell, ...] = ()
    """Who outside has to be told, or was."""


async def certified(
    database: Database, erasure: str, sign: Sign, public_key: bytes, view_ms: int, now_ms: int
) -> Certified:
    """All of one request; OfficeError if there is none, or the chain is not whole.

    ``view_ms``: no worker acts on a view that is older.
    """
    async with database.reading() as connection:
        try:
            found = await one_of(connection, erasure)
        except LookupError:
            raise OfficeError(NO_REQUEST) from None
        around = await surroundings(connection, view_ms, now_ms)
        held = bool(await held_of(connection, [found]))
        recipients = await recipients_of(connection, [erasure])
    file = file_of(await all_receipts(database))
    if verify(file, public_key):
        raise OfficeError(NOT_WHOLE)
    chain, _ = read(file)
    own = tuple(one for one in chain if one.entry.erasure == erasure)
    overview = told(found, around, held=held)
    if not own and not overview.needless:
        raise OfficeError(NOT_YET)
    number, hashed = (chain[-1].entry.number, chain[-1].receipt.hash) if chain else NO_CHAIN
    head = head_of(to_datetime(now_ms).date().isoformat(), number, hashed, sign)
    return Certified(overview, own, head, public_key, tuple(recipients))


async def opened_by(database: Database, nonce: bytes, subject: str) -> str:
    """The number of the request that this nonce opens for this person; OfficeError if none."""
    chain, _ = read(file_of(await all_receipts(database)))
    for entry in mine([one.entry for one in chain], nonce, subject):
        return entry.erasure
    raise OfficeError(NOBODYS)
