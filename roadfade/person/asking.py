"""From a scope to where a person's rows may lie: office, keyring and every version put together.

Who asks needs the office's database, the keyring and the versions on record, all read; nothing is
written, and no broker is asked. A version that does not hold here would hide what it let through:
it is a refusal, not a shorter answer.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from office.erasure.of_person import OfPerson, of_person
from office.keyring.keyring import Keyring
from office.store.database import Database
from policy.compiled import CompiledPolicy
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from policy.versions.in_force import active_versions
from roadfade.in_force.plans import Plans
from roadfade.in_force.recorded import versions_here
from roadfade.kek_holder import kek_holder
from roadfade.person.held import Held, held
from roadfade.person.scope import Scope
from roadfade.refusal import NotReady
from roadfade.settings import Settings

Read = Callable[[Callable[[Database], Awaitable[OfPerson]]], OfPerson]
"""Runs what it is given on the office's database."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a person before any store is asked. Its repr is never to be printed."""

    person: OfPerson
    held: Held
    plans: Sequence[Plan]
    """Every version that was ever in force."""
    policy: CompiledPolicy
    """The one that is, by whose words it is told."""


def ask(settings: Settings, scope: Scope, read: Read, now_ms: int) -> Asked:
    """Find out. Blocks.

    OfficeError if nobody has that id, or no keyring is there; NotReady if a version does not hold.
    """
    person = read(lambda database: of_person(database, scope.subject, scope.device))
    plans, policy = versions(settings, now_ms)
    with closing(Keyring.open_made(settings.keyring_path, kek_holder(settings))) as keyring:
        where = held(scope, person.links, plans, keyring, now_ms)
    return Asked(person, where, plans, policy)


def versions(settings: Settings, now_ms: int) -> tuple[list[Plan], CompiledPolicy]:
    """Every version that was ever in force, and the one that is; NotReady as ``ask``. Blocks."""
    plans = Plans(Limits(), settings.state_dir)
    found = [plans.version(one) for one in active_versions(versions_here(settings), now_ms)]
    if not found:
        msg = "no version of the policy is in force yet: nothing was ever passed on"
        raise NotReady(msg)
    return [one.plan for one in found], found[-1]
