"""Why a reading reaches a recipient or does not: the plan's own answer, without a broker.

The order of reasons is the ledger's; what the plan cannot know (links, objections,
erasures) counts as being in order.
"""

from collections.abc import Iterable

from policy.explain.advice import alternatives
from policy.explain.question import Applied, Consent, Explanation, Question
from policy.explain.roles import forbidden_for_role
from policy.explain.unstreamed import beside, denied
from policy.language.document import Document
from policy.plan.plan import Lane, Output, Plan, Rule
from policy.vocabulary.nearest import write_nearest
from policy.vocabulary.periods import expires_ms
from telemetry.instants import format_instant
from telemetry.outcome import Rejected, Withheld


class UnknownNameError(LookupError):
    """The question names no output that could answer; its text lists the names that are known."""


def explain(plan: Plan, question: Question) -> Explanation:
    """Answer one question; UnknownNameError if it does not name one recipient."""
    recipient = _recipient(plan, question)
    own = (*plan.outputs, *plan.closed)
    output = next(
        (o for o in own if o.purpose == question.purpose and o.recipient == recipient), None
    )
    output_id = None if output is None else output.id
    is_fact = question.signal in plan.facts
    if question.signal not in plan.catalogue and not is_fact:
        advice = (_nearest(plan, question.signal),)
        return Explanation(question, "reject", Rejected.UNKNOWN_SIGNAL, output_id, (), advice)
    found = () if output is None else tuple(_applied(plan, output, question))
    found += tuple(beside(plan, recipient, question))
    applied = tuple(forbidden_for_role(plan, recipient, question, one) for one in found)
    open_ones = [one for one in applied if one.reason is None]
    if open_ones:
        answers = {one.opened for one in open_ones}
        decision = "deliver" if "deliver" in answers else "on_request"
        others = alternatives(None, applied, question)
        return Explanation(question, decision, None, output_id, applied, others)
    reason = _first(one.reason for one in applied)
    if question.signal not in plan.collected and not is_fact:
        reason = Withheld.NOT_COLLECTED
    others = alternatives(reason, applied, question)
    return Explanation(question, "withhold", reason, output_id, applied, others)


def known_recipient(document: Document, question: Question) -> None:
    """UnknownNameError if the page lists no such recipient, which is a typing error.

    Cases do ask about unlisted recipients, which receive nothing.
    """
    page = document.pages.get(question.purpose)
    known = () if page is None else [recipient.id for recipient in page.recipients]
    if page is not None and question.recipient not in (None, *known):
        msg = f"purpose {question.purpose!r} has no recipient {question.recipient!r}; it has: "
        raise UnknownNameError(msg + ", ".join(known))


def _nearest(plan: Plan, signal: str) -> str:
    otherwise = "a path of the signal catalogue, or a fact of the document"
    return write_nearest(signal, [*plan.catalogue.by_path, *plan.facts], otherwise)


def _recipient(plan: Plan, question: Question) -> str | None:
    if question.purpose not in plan.titles:
        known = ", ".join(plan.titles)
        msg = f"no purpose {question.purpose!r}; the policy has: {known}"
        raise UnknownNameError(msg)
    if question.recipient is not None:
        return question.recipient
    outputs = [o.recipient for o in (*plan.outputs, *plan.closed) if o.purpose == question.purpose]
    cells = [cell.recipient for cell in plan.cells if cell.purpose == question.purpose]
    names = list(dict.fromkeys(outputs or cells))
    if len(names) != 1:
        msg = f"purpose {question.purpose!r} needs one recipient named; it has: "
        raise UnknownNameError(msg + (", ".join(names) or "none"))
    return names[0]


def _applied(plan: Plan, output: Output, question: Question) -> Iterable[Applied]:
    for lane in output.lanes:
        for rule in lane.rules:
            if rule.signal == question.signal:
                yield _answer(plan, output, lane, rule, question)
    for denial in output.denials:
        if denial.signal == question.signal:
            yield denied(denial)


def _answer(plan: Plan, output: Output, lane: Lane, rule: Rule, question: Question) -> Applied:
    expiry_ms = expires_ms(question.event_ms, question.now_ms, lane.period, lane.grain)
    reason: Withheld | None = None
    cell = plan.cell(rule.cell)
    if output.purpose in plan.suspended:
        reason = Withheld.SUSPENDED
    elif rule.basis.kind.needs_consent and question.consent is not Consent.GIVEN:
        reason = Withheld.NO_CONSENT
    elif rule.until_ms is not None and question.now_ms >= rule.until_ms:
        reason = Withheld.ENDED
    elif question.now_ms > expiry_ms - output.transport.bound_ms:
        reason = Withheld.TOO_LATE
    return Applied(
        rule=rule.id,
        reason=reason,
        authorities=rule.cites,
        where=rule.where,
        basis=rule.basis.kind,
        notice=rule.basis.notice,
        lane=lane.name,
        period=lane.period,
        cell=cell,
        trigger=lane.trigger,
        expires_at=format_instant(expiry_ms),
        time_floor_ms=lane.time_floor_ms,
        operations=rule.operations,
        unit=plan.catalogue[rule.signal].unit,
        not_for=rule.not_for,
    )


def _first(reasons: Iterable[Withheld | None]) -> Withheld:
    """The first in the ledger's order; absent is deny."""
    known = [reason for reason in reasons if reason is not None]
    return min(known, key=list(Withheld).index, default=Withheld.NOT_IN_PURPOSE)
