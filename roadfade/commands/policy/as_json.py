"""Answers as JSON values, for machines: what ``roadfade policy … --json`` prints."""

from collections.abc import Callable, Iterable
from typing import Any

from policy.diff.approvals import approval_words
from policy.diff.change import Change, Difference
from policy.explain.cases import CasesRun
from policy.explain.question import Applied, Explanation
from policy.language.problems import Problem, Severity
from policy.plan.carried_out import counted, lacking, state
from policy.plan.plan import Lane, Output, Plan
from policy.vocabulary.terms import Where
from policy.vocabulary.words import format_duration
from telemetry.instants import format_instant


def check_json(plan: Plan | None, problems: Iterable[Problem]) -> dict[str, Any]:
    """``holds``, the plan's outline if there is one, and every problem."""
    shown = [_problem(problem) for problem in problems]
    holds = plan is not None and all(p["severity"] != Severity.ERROR for p in shown)
    outline = {} if plan is None else _plan(plan)
    return {"holds": holds, **outline, "problems": shown}


def cases_json(tested: CasesRun) -> dict[str, Any]:
    """``{"cases": n, "failed": [...]}``."""
    failed = [
        {
            "file": one.where.file,
            "line": one.where.line,
            "purpose": one.purpose,
            "case": one.case,
            "expected": one.expected,
            "got": one.got,
        }
        for one in tested.failed
    ]
    return {"cases": tested.cases, "failed": failed}


def explain_json(explanation: Explanation) -> dict[str, Any]:
    """The question, the decision, its rules and authorities, and the alternatives."""
    question = explanation.question
    return {
        "signal": question.signal,
        "purpose": question.purpose,
        "recipient": question.recipient,
        "consent": str(question.consent),
        "role": question.role,
        "event_time": format_instant(question.event_ms),
        "now": format_instant(question.now_ms),
        "decision": explanation.decision,
        "reason": None if explanation.reason is None else str(explanation.reason),
        "output": explanation.output,
        "rules": [_applied(one) for one in explanation.rules],
        "alternatives": list(explanation.alternatives),
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.where.file,
        "line": problem.where.line,
        "column": problem.where.column,
        "severity": str(problem.severity),
        "message": problem.message,
        "value": problem.value,
        "remedy": problem.remedy,
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "policy": plan.policy,
        "version": plan.version,
        "policy_version": plan.policy_version,
        "digest": plan.digest,
        "effective": format_instant(plan.effective_ms),
        "suspended": sorted(plan.suspended),
        "outputs": [_output(output) for output in plan.outputs],
        "cells": _cells(plan),
    }


def _cells(plan: Plan) -> dict[str, Any]:
    cells = counted(plan)
    lacking_each = {str(name): count for name, count in cells.why.items()}
    return {"carried_out": cells.carried_out, "written": cells.written, "lacks": lacking_each}


def _output(output: Output) -> dict[str, Any]:
    return {
        "id": output.id,
        "topic": output.topic,
        "recipient": output.recipient,
        "class": output.recipient_class,
        "topic_bound_ms": output.transport.bound_ms,
        "lanes": [_lane(lane) for lane in output.lanes],
        "denied": {denial.signal: str(denial.reason) for denial in output.denials},
    }


def _lane(lane: Lane) -> dict[str, Any]:
    return {
        "name": lane.name,
        "keep": str(lane.period),
        "at_least": None if lane.at_least is None else str(lane.at_least),
        "from": lane.trigger,
        "grain": str(lane.grain),
        "time_floor": format_duration(lane.time_floor_ms),
        "signals": [rule.signal for rule in lane.rules],
    }


def _applied(one: Applied) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "rule": one.rule,
        "answer": "deliver" if one.reason is None else f"withhold {one.reason}",
        "authorities": list(one.authorities),
        "where": str(one.where),
        "not_for": list(one.not_for),
    }
    if one.cell is not None:
        lacks = lacking(one.cell)
        shown |= {"state": str(state(lacks)), "lacks": [str(name) for name in lacks]}
        if one.cell.on_withdrawal is not None:
            shown["on_withdrawal"] = one.cell.on_withdrawal
    if one.period is not None:
        shown |= {
            "basis": one.basis,
            "notice": one.notice,
            "lane": one.lane,
            "keep": str(one.period),
            "at_least": None if one.at_least is None else str(one.at_least),
            "from": one.trigger,
            "expires_at": one.expires_at,
            "time_floor": format_duration(one.time_floor_ms),
            "treatment": list(one.treatment),
        }
    return shown


def diff_json(
    difference: Difference, place: Callable[[Change], Where] | None = None
) -> dict[str, Any]:
    """``holds`` if every widening is decided, and every change in a sentence and in parts.

    With ``place`` each has also its ``file`` and ``line`` in the new document.
    """
    return {
        "holds": not difference.undecided,
        "undecided": len(difference.undecided),
        "changes": [
            _change(change) | ({} if place is None else _place(place(change)))
            for change in difference.changes
        ],
    }


def _place(where: Where) -> dict[str, Any]:
    return {"file": where.file, "line": where.line}


def _change(change: Change) -> dict[str, Any]:
    approval = change.approval
    return {
        "sentence": change.sentence,
        "kind": str(change.kind),
        "widens": change.widens,
        "needs_decision": change.undecided and not change.needs_notice,
        "needs_notice": list(change.needs_notice),
        "purpose": change.purpose,
        "recipient": change.recipient,
        "category": change.category,
        "items": list(change.items),
        "approve_as": approval_words(change)[0],
        "approval": None
        if approval is None
        else {"decision": approval.decision, "by": approval.by, "on": str(approval.on)},
    }
