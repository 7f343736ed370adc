"""Counting for the ledger: cheap sums while a batch runs, rows per output at its end.

Given a decision, every verdict is linear in how many readings a signal had and how many a
route lost, so the hot path only adds; ``settle`` turns sums into in, delivered, withheld.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from processors.program import Decision, Program
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
        for table in self._program.tables:
            flow = OutputFlow()
            withheld: Counter[Withheld] = Counter()
            if self.not_collected:
                withheld[Withheld.NOT_COLLECTED] = self.not_collected
            for decision, row in self._rows.items():
                for path, place in self._program.index.items():
                    if row[place]:
                        flow.delivered += self._verdict(table, decision, row, path, withheld)
            flow.withheld = {str(reason): count for reason, count in withheld.items() if count}
            flow.entered = flow.delivered + withheld.total()
            ledger[table.output.id] = flow
        return ledger, {str(reason): count for reason, count in self.rejected.items()}

    def _verdict(
        self,
        table: OutputTable,
        decision: Decision,
        row: list[int],
        path: str,
        withheld: Counter[Withheld],
    ) -> int:
        readings = row[self._program.index[path]]
        wanting = table.routes.get(path, ())
        active = [p for p in wanting if p.index in decision.active]
        if not active:
            withheld[_refusal(table, decision, path, wanting)] += readings
            return 0
        losses = self._losses(table, row, path, active)
        withheld.update(losses)
        return readings - sum(losses.values())

    def _losses(
        self, table: OutputTable, row: list[int], path: str, active: list[Route]
    ) -> Mapping[Withheld, int]:
        partials = {p.chains[path].partial for p in active}
        if (None, None) in partials:
            return {}
        by_reason = {
            reason: row[slot]
            for (partial, loss_path, reason), slot in self._program.loss_slots.items()
            if loss_path == path and partial in partials
        }
        if len(partials) == 1:
            return by_reason
        slot = self._program.union_slots[table.output.id, path]
        first = min(by_reason.keys() - {Withheld.NOT_REBUILT}, key=REASON_ORDER.__getitem__)
        return {first: row[slot], Withheld.NOT_REBUILT: row[slot + 1]}


def _refusal(
    table: OutputTable, decision: Decision, path: str, wanting: Iterable[Route]
) -> Withheld:
    reasons = set()
    if path in table.denials:
        reasons.add(table.denials[path])
    for route in wanting:
        if not decision.linked:
            reasons.add(Withheld.NO_LINK)
        elif route.index in decision.barred:
            # No key is asked for what cannot leave, so it is unknown whether it is destroyed.
            reasons.add(Withheld.FORBIDDEN)
        elif route.index in decision.ended:
            reasons.add(Withheld.ENDED)
        elif route.index not in decision.granted:
            reasons.add(Withheld.NO_CONSENT)
        elif route.index in decision.keyless:
            reasons.add(Withheld.ERASED)
        else:
            reasons.add(Withheld.TOO_LATE)
    if not reasons:
        return Withheld.NOT_IN_PURPOSE
    return min(reasons, key=REASON_ORDER.__getitem__)
