"""The plan's table of cells: permits of one cell and recipient together, denials beside them."""

from collections.abc import Iterable

from policy.document import Sheet
from policy.forbids import denial
from policy.holdings import PlanCell, PlanDelivery, PlanForbid, PlanRetention
from policy.lanes import withheld
from policy.page import Delivery, Purpose
from policy.permits import Permit
from policy.terms import Denial


def cells_of(
    page: Sheet[Purpose], permits: Iterable[Permit], bans: tuple[PlanForbid, ...]
) -> tuple[PlanCell, ...]:
    """Every cell of a purpose for every recipient, also where all of it is denied."""
    grouped: dict[str, list[Permit]] = {}
    for permit in permits:
        grouped.setdefault(permit.cell_id, []).append(permit)
    return tuple(_cell(page, members, bans) for members in grouped.values())


def _cell(page: Sheet[Purpose], members: list[Permit], bans: tuple[PlanForbid, ...]) -> PlanCell:
    first = members[0]
    denials: list[Denial] = []
    allowed: list[Permit] = []
    for permit in members:
        denied = denial(page.content.purpose, permit, bans) or withheld(permit)
        if denied is None:
            allowed.append(permit)
        else:
            denials.append(denied)
    keep, delivery = first.cell.keep, _delivery(page, first)
    until = first.recipient.until
    return PlanCell(
        id=first.cell_id,
        purpose=page.content.purpose,
        recipient=first.recipient.id,
        recipient_class=first.recipient.recipient_class,
        category=first.category,
        line=first.line,
        delivery=PlanDelivery(
            first.mode, delivery.at_least, delivery.window, delivery.needs, delivery.release
        ),
        signals=tuple(permit.signal for permit in allowed if not permit.is_fact),
        facts=tuple(permit.signal for permit in allowed if permit.is_fact),
        treatment={p.signal: p.operations for p in allowed if not p.is_fact},
        time_floor_ms=first.time_floor_ms,
        countries=first.recipient.countries,
        identity=page.content.identity.form,
        not_for={p.signal: p.not_for for p in allowed if p.not_for},
        denials=tuple(denials),
        precision=first.cell.precision or None,
        basis=first.basis,
        retention=PlanRetention(keep.at_most, keep.trigger, keep.cap, first.grain, keep.because),
        until=None if until is None else until.isoformat(),
        cites=first.cites,
        where=first.where,
    )


def _delivery(page: Sheet[Purpose], permit: Permit) -> Delivery:
    return permit.cell.delivery or page.content.delivery
