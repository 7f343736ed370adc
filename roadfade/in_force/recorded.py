"""The policy in force as this folder's office has it on record: for commands that ask no broker."""

from office.store.recorded import recorded
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.clock import judging_clock
from roadfade.in_force.documents import own_publication
from roadfade.in_force.plans import Plans, VersionTimeline, line_at
from roadfade.settings import Settings
from telemetry.wire.publication import Publication


def versions_here(settings: Settings) -> tuple[Publication, ...]:
    """Every version on record; the settings' own document if none is. NotReady if that is broken.

    Blocks.
    """
    return recorded(settings.office_path) or (own_publication(settings),)


def line_here(settings: Settings, limits: Limits) -> VersionTimeline:
    """The versions around this instant; NotReady if none is in force. Blocks."""
    now_ms = judging_clock(settings.fixed_now_ms)()
    return line_at(versions_here(settings), Plans(limits, settings.state_dir), now_ms)


def policy_here(settings: Settings, limits: Limits) -> Plan:
    """The plan in force, as ``line_here`` finds it."""
    return line_here(settings, limits).plan
