"""The cases beside the document: questions to the plan with the answers it must give."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from math import isclose
from typing import Final

from policy.compiled import CompiledPolicy
from policy.explain.explain import UnknownNameError, explain
from policy.explain.policy_wide_cases import house_case
from policy.explain.question import Applied, Consent, Explanation, Question
from policy.language.case_file import ASKS, Case, Cases
from policy.language.document import Sheet
from policy.plan.plan import Plan
from policy.vocabulary.operation_words import format_operation
from policy.vocabulary.operations import Operation, apply
from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Where
from policy.vocabulary.words import format_duration
from telemetry.instants import MINUTE_MS, day_start_ms
from telemetry.outcome import Withheld

ANSWERED: Final = (None, Withheld.AGGREGATED)
"""Rules with one of these answers are compared with everything that the case expects of them."""
Apply = Callable[[tuple[Operation, ...], float], float]
"""What a rule's operations make of one number."""


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A case whose answer is another: its place in the document, what was expected, what came."""

    where: Where
    purpose: str
    case: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.where}: {self.case}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class CasesRun:
    """How many cases ran, and those that failed."""

    cases: int
    failed: tuple[FailedCase, ...]


def run_cases(policy: CompiledPolicy, *, carry_out: Apply = apply) -> CasesRun:
    """Ask the plan every case; readings arrive as they are made, and are asked for ``age`` later.

    They are made at 00:00 UTC of the policy's first day: lives are dated in UTC, so that the months
    of a case are those of the calendar.
    """
    made_ms = day_start_ms(policy.document.policy.content.effective, UTC)
    count = 0
    failed: list[FailedCase] = []
    for purpose, sheet in policy.document.cases.items():
        for index, case in enumerate(sheet.content.cases):
            count += 1
            failure = _run(policy.plan, purpose, case, made_ms, carry_out)
            if failure is not None:
                failed.append(_failed(sheet, purpose, index, case, failure))
    return CasesRun(count, tuple(failed))


def _failed(
    sheet: Sheet[Cases], purpose: str, index: int, case: Case, failure: tuple[str, str]
) -> FailedCase:
    return FailedCase(sheet.where("cases", index), purpose, _said(case), *failure)


def _said(case: Case) -> str:
    if case.receives is not None:
        return f"all that {case.to} receives"
    if case.combine is not None:
        return f"combined with {case.combine}"
    if case.join is not None:
        return f"joined with {case.join}"
    if case.source is not None:
        return f"admitted from {case.source}"
    if case.category is not None:
        return f"{case.category} to {case.to}"
    role = f", role {case.role}" if case.role else ""
    return f"{case.signal or case.fact} to {case.to}, consent {case.consent}{role}"


def _run(
    plan: Plan, purpose: str, case: Case, made_ms: int, carry_out: Apply
) -> tuple[str, str] | None:
    """None if the case holds, else what was expected and what came."""
    asked = [name for name in ASKS if getattr(case, name) is not None]
    if len(asked) != 1:
        return f"one of: {', '.join(ASKS)}", ", ".join(asked) or "none of them"
    if asked[0] not in ("signal", "fact"):
        return house_case(plan, purpose, case)
    return _of_item(plan, purpose, case, made_ms, carry_out)


def _of_item(
    plan: Plan, purpose: str, case: Case, event_ms: int, carry_out: Apply
) -> tuple[str, str] | None:
    now_ms = event_ms + MINUTE_MS if case.age is None else add_period(event_ms, case.age)
    item = case.signal or case.fact or ""
    consent = Consent(case.consent)
    question = Question(item, purpose, case.to, consent, event_ms, now_ms, case.role)
    try:
        answer = explain(plan, question)
    except UnknownNameError as error:
        return "an answer", str(error)
    rules = [one for one in answer.rules if case.keep in (None, one.period)]
    expected = " ".join(part for part in case.expect if part is not None)
    got = _outcome(answer, rules, narrowed=case.keep is not None)
    if got != expected:
        return expected, got
    failures = (_of_rule(one, case, carry_out) for one in rules if one.reason in ANSWERED)
    return next((failure for failure in failures if failure is not None), None)


def _outcome(answer: Explanation, rules: Sequence[Applied], *, narrowed: bool) -> str:
    """The whole answer, or that of the lanes of the period the case asks about."""
    if not narrowed or not rules:
        reason = answer.reason if not narrowed else Withheld.NOT_IN_PURPOSE
        return answer.decision if reason is None else f"withhold {reason}"
    open_ones = [one for one in rules if one.reason is None]
    if open_ones:
        return open_ones[0].opened
    return f"withhold {rules[0].reason}"


def _said_of_rule(case: Case, one: Applied) -> Iterable[tuple[object, object]]:
    """Pairs of what the case expects of the rule and what the rule has."""
    yield case.trigger, one.trigger
    yield case.basis, str(one.basis)
    yield case.floor, format_duration(one.time_floor_ms)
    keep = None if one.cell is None else one.cell.retention
    delivery = None if one.cell is None else one.cell.delivery
    for name in ("at_most", "cap"):
        yield getattr(case, name), getattr(keep, name, None)
    yield case.kept_at_least, None if keep is None else keep.at_least
    yield _written(case.review_on), None if keep is None else keep.review_on
    yield _written(case.until), None if one.cell is None else one.cell.until
    for name in ("at_least", "window", "needs"):
        yield getattr(case, name), getattr(delivery, name, None)
    yield case.grain, None if keep is None else keep.grain


def _written(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _of_rule(one: Applied, case: Case, carry_out: Apply) -> tuple[str, str] | None:
    by = f" (by {one.rule})"
    for expected, got in _said_of_rule(case, one):
        if expected is not None and expected != got:
            return str(expected), f"{got}{by}"
    if case.treated is not None:
        expected_words = tuple(
            format_operation(spoken.operation, one.unit) for spoken in case.treated
        )
        if one.treatment != expected_words:
            return ", ".join(expected_words), f"{', '.join(one.treatment)}{by}"
    if case.value is not None and case.becomes is not None:
        result = carry_out(one.operations, case.value)
        if not isclose(result, case.becomes, rel_tol=1e-9, abs_tol=1e-9):
            return f"{case.value} becomes {case.becomes}", f"{result:.12g}{by}"
    return None
