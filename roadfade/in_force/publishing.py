"""Publishing a version of the policy: what it allows in addition must be approved.

In: a document that holds, the office's database. Out: the version on record, and published to every
process by the outbox.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bus.client.admin import TopicAdmin
from bus.failures import BrokerError
from office.errors import CannotFollowError, OfficeError
from office.outbox import Outbox
from office.policy_versions import on_record, published, record_version
from office.store.database import Database
from policy.diff.change import Difference
from policy.diff.diff import diff
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from policy.versions.topic_handover import taken_over
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of, limits_on, require_broker
from roadfade.in_force.documents import own_publication
from roadfade.in_force.plans import Plans
from roadfade.in_force.recorded import versions_here
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.wire.publication import Publication, PublicationError, encode_publication

UNDECIDED: Final = (
    "it allows more than the version on record, and contains no approval or no new notice for that"
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that might be published, and what it changes in the newest one."""

    publication: Publication
    after: tuple[Publication, ...]
    difference: Difference | None
    """None if it is the first, or on record already."""

    @property
    def undecided(self) -> bool:
        """Whether it allows more than before and contains no approval for that."""
        return self.difference is not None and bool(self.difference.undecided)


async def record_first(database: Database, settings: Settings) -> None:
    """Put the settings' own document on record if nothing is: it is in force by its date.

    From then on what is published counts; a different document here is logged as a warning.
    """
    own = await asyncio.to_thread(own_publication, settings)
    known = await published(database)
    if not known:
        await record_version(
            database, replace(own, published_ms=min(own.effective_ms, wall_ms())), ()
        )
    elif all(own.files != one.files for one in known):
        logger.warning(
            "the document here has version %d, which is not published: the published "
            "version %d counts until `roadfade policy publish`",
            own.version,
            known[-1].version,
        )


def propose(publication: Publication, known: Sequence[Publication], plans: Plans) -> Proposal:
    """Compare a version with those on record, all compiled under the limits of one installation.

    Blocks while it compiles them.

    OfficeError if it cannot follow them (its number, its name, a topic that was another
    recipient's) or is too long to be published; NotReady if it does not hold under the plans'
    limits.
    """
    try:
        encode_publication(publication)
    except PublicationError as error:
        raise OfficeError(str(error)) from None
    if not known or on_record(known, publication):
        return Proposal(publication, tuple(known), None)
    version = plans.version(publication)
    for earlier in filter(None, map(plans.plan_if_it_holds, known)):
        _refuse_takeover(earlier, version.plan)
    return Proposal(publication, tuple(known), diff(plans.version(known[-1]), version))


def _refuse_takeover(earlier: Plan, new: Plan) -> None:
    for output in taken_over(earlier, new):
        msg = (
            f"{output.topic} was another recipient's in version {earlier.version}, and holds what "
            f"is theirs: keep that recipient beside {output.recipient}, or give the purpose "
            "another name"
        )
        raise CannotFollowError(msg, "recipients", output.purpose)


def check_publication(settings: Settings, publication: Publication) -> Proposal:
    """What a version would change in what the office has on record; nothing is written.

    OfficeError and NotReady as ``propose``.
    """
    return propose(publication, versions_here(settings), asyncio.run(_plans(settings)))


async def publish_version(
    settings: Settings, publication: Publication, wait_s: float
) -> tuple[Proposal, bool]:
    """Record and queue a version; return what it changes, and whether the outbox is empty.

    One that widens undecided comes back as it is, and is not put on record. OfficeError and
    NotReady as ``propose``; OfficeError also if another version was published meanwhile.
    """
    async with Database.opened(settings.office_path) as database:
        await record_first(database, settings)
        known, plans = await published(database), await _plans(settings)
        proposal = await asyncio.to_thread(propose, publication, known, plans)
        if proposal.undecided:
            return proposal, False
        known = await record_version(database, proposal.publication, proposal.after)
        on_record = next(one for one in known if one.version == publication.version)
        outbox = Outbox(database)
        is_out = wait_s > 0 and await outbox.wait_published(await outbox.last_sequence(), wait_s)
    return replace(proposal, publication=on_record), is_out


async def _plans(settings: Settings) -> Plans:
    """Compiles as this broker can keep a policy; as any can, if it does not answer."""
    try:
        await asyncio.to_thread(require_broker, settings)
        async with TopicAdmin(connection_of(settings)) as admin:
            limits = await limits_on(settings, admin)
    except (BrokerError, TimeoutError, OSError, NotReady):
        limits = Limits()
    return await asyncio.to_thread(Plans, limits, settings.state_dir)
