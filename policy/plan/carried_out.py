"""Which rules of a plan the program carries out, and what the others still lack.

A rule is carried out only if all that it says is. A cell whose readings stream, and whose life
should end with a contract but cannot yet, is *written, not carried out yet*.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from policy.plan.cells import PlanCell, PlanForbid
from policy.plan.plan import Plan
from policy.vocabulary.capabilities import (
    Capability,
    State,
    exists,
    of_delivery,
    of_part,
    of_trigger,
)
from policy.vocabulary.terms import DocumentPart
from policy.vocabulary.words import release_ms
from telemetry.outcome import Withheld

Lacking = tuple[Capability, ...]
"""What a rule would need and the program does not have; empty: it is carried out."""


def lacking(cell: PlanCell) -> Lacking:
    """What keeps a cell from being carried out, the delivery first."""
    return without(_needed(cell))


def _needed(cell: PlanCell) -> Iterable[Capability]:
    yield of_delivery(cell.delivery.mode)
    yield of_trigger(cell.retention.trigger)
    if release_ms(cell.delivery.release) is not None:
        yield Capability.RELEASE_WINDOWS
    if cell.recipient_class == "third_party":
        yield Capability.REGISTERS  # APPI Art. 29: a record of each provision
    if any(denial.reason is Withheld.UNSUPPORTED for denial in cell.denials):
        yield Capability.OTHER_OPERATIONS


def lacking_of_forbid(forbid: PlanForbid) -> Lacking:
    """A forbid withholds items, which is carried out; one on joins binds nobody yet."""
    return without((Capability.JOINS if forbid.join else Capability.ADMISSION,))


def without(needed: Iterable[Capability]) -> Lacking:
    """Those of the capabilities that the program does not have, each once."""
    return tuple(dict.fromkeys(one for one in needed if not exists(one)))


def rules(plan: Plan) -> Mapping[str, Lacking]:
    """Every rule by its id: cells, forbids, combinations, purposes, and parts of the document.

    A purpose lacks what any of its cells and forbids lacks, and ``forbids`` what any of the
    company's forbids does.
    """
    found = {cell.id: lacking(cell) for cell in plan.cells}
    found |= {forbid.id: lacking_of_forbid(forbid) for forbid in plan.forbids}
    found |= {f"combine/{n}": without((Capability.JOINS,)) for n in _numbers(plan)}
    for purpose in plan.titles:
        own = [found[cell.id] for cell in plan.cells if cell.purpose == purpose]
        own += [found[forbid.id] for forbid in plan.forbids if forbid.purpose == purpose]
        found[purpose] = together(own)
    for part in DocumentPart:
        found[part] = without((of_part(part),))
    company = [found[forbid.id] for forbid in plan.forbids if forbid.purpose is None]
    found[DocumentPart.FORBIDS] = together(company)
    return found


def _numbers(plan: Plan) -> Iterable[int]:
    return range(1, len(plan.combines) + 1)


def together(parts: Iterable[Lacking]) -> Lacking:
    """What any of the rules lacks, each once."""
    return tuple(dict.fromkeys(one for part in parts for one in part))


class Counted(NamedTuple):
    """How many of a plan's cells are carried out, and what the others lack."""

    carried_out: int
    written: int
    why: Mapping[Capability, int]
    """How many cells lack each capability; one cell may lack several."""


def counted(plan: Plan) -> Counted:
    """The cells of a plan, one for each recipient, by whether they are carried out."""
    found = [lacking(cell) for cell in plan.cells]
    why = {one: sum(one in cell for cell in found) for one in Capability}
    carried = found.count(())
    return Counted(carried, len(found) - carried, {one: n for one, n in why.items() if n})


def state(lacks: Lacking) -> State:
    """The state of a rule: only people's duties have the third."""
    return State.WRITTEN if lacks else State.CARRIED_OUT
