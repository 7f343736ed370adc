"""What a withdrawal takes along that was recorded before it. Pure.

In: plans, one output, one consent. Out: lanes of that output whose rows, if they rest on that
consent, go whatever their time. A row says its lane and its consent, and no cell: the compiler
refuses cells of one lane and consent that differ.
"""

from collections.abc import Iterator, Sequence

from policy.plan.consents import Grantable
from policy.plan.plan import Lane, Output, Plan, Rule


def erased_on_withdrawal(plans: Sequence[Plan], output: str, consent: Grantable) -> frozenset[str]:
    """Lanes that lose what is of before the withdrawal, too. ``plans``: the newest last.

    The newest plan with a lane decides about it. A lane that the newest no longer has also goes if
    one of its signals is in a cell there that erases: another period does not save what lies under
    the old one.
    """
    found, seen, signals = set[str](), set[str](), set[str]()
    newest = True
    for plan in reversed(plans):
        lanes = [
            (lane.name, list(_resting(one, lane, consent)))
            for one in plan.outputs
            if one.id == output
            for lane in one.lanes
        ]
        for name, rules in lanes:
            if not rules or name in seen:
                continue
            seen.add(name)
            erasing = {rule.signal for rule in rules if _erases(plan, rule)}
            if newest:
                signals |= erasing
            elif signals & {rule.signal for rule in rules}:
                found.add(name)
            if erasing:
                found.add(name)
        newest = newest and not lanes
    return frozenset(found)


def _resting(output: Output, lane: Lane, consent: Grantable) -> Iterator[Rule]:
    """The lane's rules that rest on this consent."""
    for rule in lane.rules:
        named = output.recipient if rule.basis.consent == "third_party" else None
        asked = output.purpose, rule.basis.consent, named, rule.basis.notice
        if asked == consent:
            yield rule


def _erases(plan: Plan, rule: Rule) -> bool:
    cell = plan.cell(rule.cell)
    return cell is not None and cell.on_withdrawal == "erase"
