"""Answers for what no topic carries: facts, aggregates, what is given on request only."""

from collections.abc import Iterable
from typing import assert_never

from policy.explain.question import Applied, Consent, Question
from policy.plan.cells import PlanCell
from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period, expires_ms
from policy.vocabulary.terms import DeliveryMode, Denial
from telemetry.instants import format_instant
from telemetry.outcome import Withheld


def denied(denial: Denial) -> Applied:
    """A denial as an answer."""
    return Applied(denial.rule, denial.reason, denial.cites, denial.where)


def beside(plan: Plan, recipient: str | None, question: Question) -> Iterable[Applied]:
    """The answers of every cell that is no stream and names the item for the recipient."""
    if question.signal not in plan.facts and question.signal not in plan.collected:
        return
    for cell in plan.cells_of(question.purpose, recipient):
        if cell.delivery.mode == "stream":
            continue
        if question.signal in (*cell.signals, *cell.facts):
            yield _answer(plan, cell, question)
        for denial in cell.denials:
            if denial.signal == question.signal:
                yield denied(denial)


def _answer(plan: Plan, cell: PlanCell, question: Question) -> Applied:
    keep = cell.retention
    expiry_ms = expires_ms(question.event_ms, question.now_ms, keep.at_most, keep.grain)
    reason: Withheld | None = None
    if cell.purpose in plan.suspended:
        reason = Withheld.SUSPENDED
    elif _only_counted(cell.delivery.mode):
        reason = Withheld.AGGREGATED
    elif cell.basis.kind.needs_consent and question.consent is not Consent.GIVEN:
        reason = Withheld.NO_CONSENT
    elif cell.until_ms is not None and question.now_ms >= cell.until_ms:
        reason = Withheld.ENDED
    elif question.now_ms >= add_period(question.event_ms, keep.at_most):
        reason = Withheld.TOO_LATE
    return Applied(
        rule=f"{cell.id}/{question.signal}",
        reason=reason,
        authorities=cell.cites,
        where=cell.where,
        basis=cell.basis.kind,
        notice=cell.basis.notice,
        lane=cell.delivery.mode,
        period=keep.at_most,
        cell=cell,
        operations=cell.treatment.get(question.signal, ()),
        unit=_unit(plan, question.signal),
        time_floor_ms=cell.time_floor_ms,
        trigger=keep.trigger,
        expires_at=format_instant(expiry_ms),
        delivery=cell.delivery.mode,
        not_for=cell.not_for.get(question.signal, ()),
    )


def _only_counted(mode: DeliveryMode) -> bool:
    match mode:
        case "aggregate":
            return True
        case "on_request" | "records" | "stream":
            return False
        case _:
            assert_never(mode)


def _unit(plan: Plan, item: str) -> str:
    return plan.catalogue[item].unit if item in plan.catalogue else ""
