"""Publishing a version of the policy: what it changes is decided, or it is not published.

In: a document that holds, the office's database. Out: the version on record, and told to every
process by the outbox.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from office.database import Database
from office.errors import OfficeError
from office.outbox import Outbox
from office.policies import on_record, publish, published, recorded
from policy.changes import Difference
from policy.diff import Version, diff
from policy.limits import Limits
from policy.publication import Publication, PublicationError, encode_publication
from roadfade.clock import wall_ms
from roadfade.planning import own_publication
from roadfade.plans import Plans
from roadfade.settings import Settings

UNDECIDED: Final = "it widens what is allowed, and nobody recorded a decision in it"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that might be published, and what it changes in the newest one."""

    publication: Publication
    after: tuple[Publication, ...]
    difference: Difference | None
    """None where it is the first, or on record already."""

    @property
    def undecided(self) -> bool:
        """Whether it widens what is allowed and nobody recorded a decision."""
        return self.difference is not None and bool(self.difference.undecided)


async def record_first(database: Database, settings: Settings) -> None:
    """Put the settings' own document on record where nothing is: it is in force by its date.

    From then on what is published counts; a document here that says otherwise is told of.
    """
    own = await asyncio.to_thread(own_publication, settings)
    known = await published(database)
    if not known:
        await publish(database, replace(own, published_ms=min(own.effective_ms, wall_ms())), ())
    elif all(own.files != one.files for one in known):
        logger.warning(
            "the document here calls itself version %d and is not published: the published "
            "version %d counts until `roadfade policy publish`",
            own.version, known[-1].version,
        )  # fmt: skip


def propose(publication: Publication, version: Version, known: Sequence[Publication]) -> Proposal:
    """Compare a version with the newest on record. Blocks while it compiles that one.

    OfficeError where it cannot follow that one (its number, its name), or is too long to be told.
    """
    try:
        encode_publication(publication)
    except PublicationError as error:
        raise OfficeError(str(error)) from None
    if not known or on_record(known, publication):
        return Proposal(publication, tuple(known), None)
    before = Plans(Limits()).version(known[-1])
    return Proposal(publication, tuple(known), diff(before, version))


def check(settings: Settings, publication: Publication, version: Version) -> Proposal:
    """What a version would change in what the office has on record; nothing is written.

    OfficeError as ``propose``.
    """
    known = recorded(settings.office_path) or (own_publication(settings),)
    return propose(publication, version, known)


async def publish_version(
    settings: Settings, publication: Publication, version: Version, wait_s: float
) -> tuple[Proposal, bool]:
    """Put a version on record and have it told; what it changes, and whether all were told.

    One that widens undecided comes back as it is, and nothing is on record. OfficeError as
    ``propose``, or where another version was published meanwhile.
    """
    database = await Database.open(settings.office_database)
    try:
        await record_first(database, settings)
        known = await published(database)
        proposal = await asyncio.to_thread(propose, publication, version, known)
        if proposal.undecided:
            return proposal, False
        known = await publish(database, proposal.publication, proposal.after)
        on_record = next(one for one in known if one.version == publication.version)
        outbox = Outbox(database)
        told = wait_s > 0 and await outbox.wait_published(await outbox.last_sequence(), wait_s)
    finally:
        await database.close()
    return replace(proposal, publication=on_record), told
