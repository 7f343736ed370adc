"""The plan's rules over time in one table: what is thinned, and how, whoever may receive it.

A rule's place in the table is its number in the state (see ``state/port``). Two routes that thin
the same signal alike share one rule; a mesh is thinned as a pair of coordinates.
"""

from collections.abc import Iterable
from typing import NamedTuple

from policy.vocabulary.operations import PAIR, length_ms
from policy.vocabulary.operations import Thin as ThinOperation
from processors.routes import Chain, Route


class TimeRule(NamedTuple):
    """One thinning of one signal, or of positions: then ``paths`` are both coordinates."""

    paths: tuple[str, ...]
    operation: ThinOperation


def rule_of(chain: Chain) -> TimeRule | None:
    """The rule over time that a chain carries out; None if it keeps every reading."""
    if chain.thin is None:
        return None
    return TimeRule((chain.path,) if chain.mesh is None else PAIR, chain.thin)


def time_rules_of(routes: Iterable[Route]) -> tuple[TimeRule, ...]:
    """The different rules of these routes, in the plan's order."""
    found = (rule_of(chain) for route in routes for chain in route.chains.values())
    return tuple(dict.fromkeys(rule for rule in found if rule is not None))


def life_ms(rule: TimeRule, late_ms: int) -> int:
    """For how long of append time a record matters to a rule, if late ones come within ``late_ms``.

    Counters begin afresh with each window of that length, so they need no more of the log.
    """
    return late_ms + length_ms(rule.operation)
