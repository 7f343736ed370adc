"""Counting for the ledger: cheap sums while a batch runs, rows per output at its end.

Given a decision, every verdict is linear in how many readings a signal had and how many a
route lost, so the hot path only adds; ``settle`` turns sums into in, delivered, withheld.
"""

from collections import Counter
from collections.abc import Iterable

from processors.program import Decision, Program, Verdict, Verdicts
from processors.routes import OutputTable, Route
from telemetry.outcome import Rejected, Withheld
from telemetry.wire.flow import OutputFlow

REASON_ORDER = {reason: place for place, reason in enumerate(Withheld)}


class Tally:
    """Sums of one batch. Not thread-safe; discarded when the batch is processed again."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._rows: dict[Decision, list[int]] = {}
        self.not_collected = 0
        self.rejected: Counter[Rejected] = Counter()
        self.envelopes = 0
        self.exact_path = 0
        self.reused_ids = 0

    def row(self, decision: Decision) -> list[int]:
        """The sums kept for a decision; add to it in place."""
        row = self._rows.get(decision)
        if row is None:
            row = self._rows[decision] = [0] * self._program.width
        return row

    def settle(self) -> tuple[dict[str, OutputFlow], dict[str, int]]:
        """Rows per output, and rejections by reason; every row closes by construction."""
        ledger = {}
        judged = [(row, self._verdicts(decision)) for decision, row in self._rows.items()]
        for number, table in enumerate(self._program.tables):
            delivered, withheld = 0, Counter[Withheld]()
            if self.not_collected:
                withheld[Withheld.NOT_COLLECTED] = self.not_collected
            for row, verdicts in judged:
                delivered += _add_up(row, verdicts[number], withheld)
            reasons = {str(reason): count for reason, count in withheld.items() if count}
            ledger[table.output.id] = OutputFlow(delivered + withheld.total(), delivered, reasons)
        return ledger, {str(reason): count for reason, count in self.rejected.items()}

    def _verdicts(self, decision: Decision) -> Verdicts:
        known = self._program.verdicts
        found = known.used(decision)
        if found is None:
            found = tuple(
                tuple(
                    _verdict(self._program, table, decision, path) for path in self._program.index
                )
                for table in self._program.tables
            )
            known.keep(decision, found)
        return found


def _add_up(row: list[int], verdicts: Iterable[Verdict], withheld: Counter[Withheld]) -> int:
    """Count what was withheld; how many readings were delivered."""
    delivered = 0
    for place, refusal, losses in verdicts:
        readings = row[place]
        if not readings:
            continue
        if refusal is not None:
            withheld[refusal] += readings
            continue
        for reason, slot in losses:
            withheld[reason] += row[slot]
            readings -= row[slot]
        delivered += readings
    return delivered


def _verdict(program: Program, table: OutputTable, decision: Decision, path: str) -> Verdict:
    wanting = table.routes.get(path, ())
    active = [p for p in wanting if p.index in decision.active]
    place = program.index[path]
    if not active:
        return Verdict(place, _refusal(table, decision, path, wanting))
    return Verdict(place, None, _losses(program, table, path, active))


def _losses(
    program: Program, table: OutputTable, path: str, active: Iterable[Route]
) -> tuple[tuple[Withheld, int], ...]:
    partials = {p.chains[path].partial for p in active}
    if (None, None) in partials:
        return ()
    by_reason = tuple(
        (reason, slot)
        for (partial, loss_path, reason), slot in program.loss_slots.items()
        if loss_path == path and partial in partials
    )
    if len(partials) == 1:
        return by_reason
    slot = program.union_slots[table.output.id, path]
    reasons = {reason for reason, _ in by_reason} - {Withheld.NOT_REBUILT}
    first = min(reasons, key=REASON_ORDER.__getitem__)
    return (first, slot), (Withheld.NOT_REBUILT, slot + 1)


def _refusal(
    table: OutputTable, decision: Decision, path: str, wanting: Iterable[Route]
) -> Withheld:
    reasons = set()
    if path in table.denials:
        reasons.add(table.denials[path])
    reasons |= {_closed(route.index, decision) for route in wanting}
    if not reasons:
        return Withheld.NOT_IN_PURPOSE
    return min(reasons, key=REASON_ORDER.__getitem__)


def _closed(route: int, decision: Decision) -> Withheld:
    """Why nothing leaves through a route that is not active."""
    if not decision.linked:
        return Withheld.NO_LINK
    # No key is asked for what cannot leave otherwise, so it is unknown whether it is destroyed.
    reasons = (
        (decision.objected, Withheld.OBJECTED),
        (decision.erased, Withheld.ERASED),
        (decision.barred, Withheld.FORBIDDEN),
        (decision.ended, Withheld.ENDED),
        (decision.keyless, Withheld.ERASED),
        (decision.granted, Withheld.TOO_LATE),
    )
    return next((reason for routes, reason in reasons if route in routes), Withheld.NO_CONSENT)
