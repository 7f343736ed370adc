"""The plan's table of cells: permits of one cell and recipient together, denials beside them."""

from collections.abc import Iterable

from policy.compiler.permits import Permit
from policy.plan.cells import PlanCell, PlanDelivery, PlanRetention


def cells_of(permits: Iterable[Permit]) -> tuple[PlanCell, ...]:
    """Every cell of a purpose for every recipient, also if all of it is denied."""
    grouped: dict[str, list[Permit]] = {}
    for permit in permits:
        grouped.setdefault(permit.cell_id, []).append(permit)
    return tuple(_cell(members) for members in grouped.values())


def _cell(members: list[Permit]) -> PlanCell:
    first, placed = members[0], members[0].placed
    allowed = [permit for permit in members if permit.denial is None]
    keep, delivery = placed.cell.keep, placed.delivery
    return PlanCell(
        id=first.cell_id,
        purpose=placed.purpose,
        recipient=first.recipient.id,
        recipient_class=first.recipient.recipient_class,
        category=placed.category,
        line=placed.line,
        delivery=PlanDelivery(
            first.mode, delivery.at_least, delivery.window, delivery.needs, delivery.release
        ),
        signals=tuple(permit.signal for permit in allowed if not permit.is_fact),
        facts=tuple(permit.signal for permit in allowed if permit.is_fact),
        treatment={p.signal: p.operations for p in allowed if not p.is_fact},
        time_floor_ms=first.time_floor_ms,
        countries=first.recipient.countries,
        identity=placed.page.content.identity.form,
        not_for={p.signal: p.not_for for p in allowed if p.not_for},
        denials=tuple(one.denial for one in members if one.denial is not None),
        precision=placed.cell.precision or None,
        basis=first.basis,
        retention=PlanRetention(
            keep.at_most,
            keep.trigger,
            keep.cap,
            first.grain,
            keep.because,
            keep.at_least,
            None if keep.review_on is None else keep.review_on.isoformat(),
        ),
        until=None if first.until is None else first.until.isoformat(),
        until_ms=first.until_ms,
        cites=first.cites,
        where=first.where,
        on_withdrawal=first.on_withdrawal,
    )
