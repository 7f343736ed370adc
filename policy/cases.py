"""The cases beside the document: questions to the plan with the answers it must give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isclose

from policy.arithmetic import apply
from policy.document import Case, Cases, Document, Sheet
from policy.explain import UnknownNameError, explain
from policy.explanation import Applied, Consent, Explanation, Question
from policy.operation_words import say
from policy.operations import Operation
from policy.periods import add_period
from policy.plan import Plan, Where
from telemetry.instants import MINUTE_MS
from telemetry.outcome import Withheld

Apply = Callable[[tuple[Operation, ...], float], float]
"""What a rule's operations make of one number."""


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A case whose answer is another: where it stands, what was expected and what came."""

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


def run_cases(document: Document, plan: Plan, *, carry_out: Apply = apply) -> CasesRun:
    """Ask the plan every case; readings arrive as they are made, ``age`` after the policy began."""
    count = 0
    failed: list[FailedCase] = []
    for purpose, sheet in document.cases.items():
        for index, case in enumerate(sheet.content.cases):
            count += 1
            failure = _run(plan, purpose, case, carry_out)
            if failure is not None:
                failed.append(_failed(sheet, purpose, index, case, failure))
    return CasesRun(count, tuple(failed))


def _failed(
    sheet: Sheet[Cases], purpose: str, index: int, case: Case, failure: tuple[str, str]
) -> FailedCase:
    said = f"{case.signal} to {case.to}, consent {case.consent}"
    return FailedCase(sheet.where("cases", index), purpose, said, *failure)


def _run(plan: Plan, purpose: str, case: Case, carry_out: Apply) -> tuple[str, str] | None:
    """None where the case holds, else what was expected and what came."""
    event_ms = plan.effective_ms
    now_ms = event_ms + MINUTE_MS if case.age is None else add_period(event_ms, case.age)
    question = Question(case.signal, purpose, case.to, Consent(case.consent), event_ms, now_ms)
    try:
        answer = explain(plan, question)
    except UnknownNameError as error:
        return "an answer", str(error)
    rules = [one for one in answer.rules if case.keep in (None, one.period)]
    expected = " ".join(part for part in case.expect if part is not None)
    got = _outcome(answer, rules, narrowed=case.keep is not None)
    if got != expected:
        return expected, got
    failures = (_treated(one, case, carry_out) for one in rules if one.reason is None)
    return next((failure for failure in failures if failure is not None), None)


def _outcome(answer: Explanation, rules: Sequence[Applied], *, narrowed: bool) -> str:
    """The whole answer, or that of the lanes of the period the case asks about."""
    if not narrowed or not rules:
        reason = answer.reason if not narrowed else Withheld.NOT_IN_PURPOSE
        return answer.decision if reason is None else f"withhold {reason}"
    reasons = [one.reason for one in rules if one.reason is not None]
    return "deliver" if len(reasons) < len(rules) else f"withhold {reasons[0]}"


def _treated(one: Applied, case: Case, carry_out: Apply) -> tuple[str, str] | None:
    if case.treated is not None:
        expected = tuple(say(spoken.operation, one.unit) for spoken in case.treated)
        if one.treatment != expected:
            return ", ".join(expected), f"{', '.join(one.treatment)} (by {one.rule})"
    if case.value is not None and case.becomes is not None:
        got = carry_out(one.operations, case.value)
        if not isclose(got, case.becomes, rel_tol=1e-9, abs_tol=1e-9):
            return f"{case.value} becomes {case.becomes}", f"{got:.12g} (by {one.rule})"
    return None
