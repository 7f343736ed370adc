"""Cases about the whole: what is forbidden, what is never joined, all that someone receives."""

from collections.abc import Iterator

from policy.language.case_file import Case
from policy.plan.cells import PlanCell, belongs_to
from policy.plan.forbidding import Target, forbidden, never_joined
from policy.plan.plan import Plan


def house_case(plan: Plan, purpose: str, case: Case) -> tuple[str, str] | None:
    """None if the case holds, else what was expected and what came."""
    expected = case.expect[0]
    if case.receives is not None:
        return _receives(plan, purpose, case)
    if case.combine is not None:
        pair = {purpose, case.combine}
        is_open = any(pair <= combine.purposes for combine in plan.combines)
    elif case.source is not None:
        is_open = case.source in plan.sources
    elif case.join is not None:
        is_open = not never_joined(plan.forbids, purpose, case.join)
    else:
        is_open = not _forbidden(plan, purpose, case)
    got = "open" if is_open else "forbidden"
    return None if got == expected else (expected, got)


def _forbidden(plan: Plan, purpose: str, case: Case) -> bool:
    """Whether a forbid would beat a permit of this category to this class or recipient."""
    cells = plan.cells_of(purpose, case.to)
    to = next((cell.recipient_class for cell in cells), None)
    target = Target(purpose, case.to, to, case.category, None)
    return forbidden(plan.forbids, target, case.role)


def _receives(plan: Plan, purpose: str, case: Case) -> tuple[str, str] | None:
    """Exactly these items, by stream or record; and what the case expects of the recipient."""
    cells = plan.cells_of(purpose, case.to)
    expected = set(case.receives or ())
    got = {item for cell in cells for item in (*cell.signals, *cell.facts)}
    if got != expected:
        lacking, more = sorted(expected - got), sorted(got - expected)
        return (", ".join(lacking) or "nothing more", ", ".join(more) or "nothing of these")
    for cell in cells:
        for wanted, is_so in _said_of_cell(case, cell):
            if wanted is not None and wanted != is_so:
                return str(wanted), f"{is_so} (by {cell.id})"
    for output in plan.outputs:
        if (output.purpose, output.recipient) == (purpose, case.to):
            if case.epoch not in (None, output.epoch):
                return f"epoch {case.epoch}", f"epoch {output.epoch}"
            if case.topic not in (None, output.transport.bound_ms):
                return f"topic {case.topic} ms", f"topic {output.transport.bound_ms} ms"
    return None


def _said_of_cell(case: Case, cell: PlanCell) -> Iterator[tuple[object, object]]:
    """Pairs of what the case expects of the recipient and what the cell has."""
    yield case.recipient_class, cell.recipient_class
    yield case.countries, cell.countries
    yield case.identity, cell.identity
    if belongs_to(cell.delivery.mode).release:
        yield case.release, cell.delivery.release
