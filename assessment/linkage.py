"""Joining two outputs by content, as an attacker who holds both would try.

In: what each output received of each vehicle. Out: the vehicles whose two sides match.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from policy.plan.plan import Plan
from policy.vocabulary.operations import widest

Value = tuple[int, str, Any]
"""Milliseconds UTC, the signal and its value, time and value as the output received them."""
Token = tuple[Any, ...]


def common_of(plan: Plan, one: str, other: str) -> Mapping[str, tuple[int, float]]:
    """Signals that both outputs carry: the coarser of their time floors and widths."""
    sides = [_fineness(plan, output) for output in (one, other)]
    return {
        path: (max(sides[0][path][0], sides[1][path][0]), max(sides[0][path][1], sides[1][path][1]))
        for path in sides[0].keys() & sides[1].keys()
    }


def _fineness(plan: Plan, output: str) -> dict[str, tuple[int, float]]:
    found: dict[str, tuple[int, float]] = {}
    for lane in plan.output(output).lanes:
        for rule in lane.rules:
            found[rule.signal] = (lane.time_floor_ms, widest(rule.operations))
    return found


def tokens_of(values: Iterable[Value], common: Mapping[str, tuple[int, float]]) -> set[Token]:
    """What both sides have in common: each value at the coarser time and width; when, at all."""
    tokens: set[Token] = set()
    for at_ms, path, value in values:
        if path in common:
            floor_ms, width = common[path]
            same = value // width if width and isinstance(value, int | float) else value
            tokens.add((path, at_ms // floor_ms, same))
            tokens.add((floor_ms, at_ms // floor_ms))
    return tokens


def joined(one: Mapping[str, set[Token]], other: Mapping[str, set[Token]]) -> set[str]:
    """Vehicles whose best match on the other side is the vehicle itself and no other."""
    holders: dict[Token, list[str]] = defaultdict(list)
    for device, tokens in other.items():
        for token in tokens:
            holders[token].append(device)
    return {device for device, tokens in one.items() if _best(tokens, holders) == [device]}


def _best(tokens: Iterable[Token], holders: Mapping[Token, list[str]]) -> list[str]:
    scores: Counter[str] = Counter()
    for token in tokens:
        # A value that few vehicles share is stronger evidence.
        for device in (sharing := holders.get(token, [])):
            scores[device] += 1_000_000 // len(sharing)
    top = max(scores.values(), default=0)
    return [device for device, score in scores.items() if score == top]
