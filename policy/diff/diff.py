"""In: two policies. Out: what the second changes, every widening with who decided it.

A widening needs an approval that the second document adds; without one it fails.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from policy.compiled import CompiledPolicy
from policy.diff.approvals import new_approvals, with_approvals
from policy.diff.change import ITEMS, WIDENING, Change, ChangeKind, Difference
from policy.diff.grant_changes import compare_grants
from policy.diff.grants import Grant, grants_of
from policy.diff.notice_changes import notice_changes, under_new_notices
from policy.diff.purpose_changes import RECIPIENTS
from policy.diff.safeguard_changes import safeguards

_Key = tuple[str, str]
_Items = Mapping[str, list[Grant]]


def diff(old: CompiledPolicy, new: CompiledPolicy) -> Difference:
    """Every change from old to new. The same policy twice gives none."""
    before, after = _by_output(grants_of(old)), _by_output(grants_of(new))
    found: list[Change] = []
    for key in dict.fromkeys((*after, *before)):
        who = _who(key, {*before, *after})
        found += _of_output(who, key, before.get(key, {}), after.get(key, {}))
    found += safeguards(old, new)
    found += notice_changes(old, new)
    noticed = under_new_notices(found, old)
    approved = with_approvals(noticed, new_approvals(old.document, new.document))
    return Difference(tuple(_grouped(approved)), new.document.policy.content.effective)


def _by_output(grants: Iterable[Grant]) -> dict[_Key, dict[str, list[Grant]]]:
    found: dict[_Key, dict[str, list[Grant]]] = {}
    for grant in grants:
        items = found.setdefault((grant.purpose, grant.recipient), {})
        items.setdefault(grant.item, []).append(grant)
    return found


def _who(key: _Key, keys: set[_Key]) -> str:
    purpose, recipient = key
    several = sum(other == purpose for other, _ in keys) > 1
    return f"{purpose} to {recipient}" if several else purpose


def _of_output(who: str, key: _Key, old: _Items, new: _Items) -> Iterator[Change]:
    if not old:
        yield _whole(ChangeKind.RECIPIENT, f"{who} now lets {key[1]} keep {ITEMS}", key, new)
        return
    if not new:
        yield _whole(ChangeKind.CLOSES, f"{who} lets {key[1]} keep nothing more", key, old)
        return
    for item in dict.fromkeys((*new, *old)):
        for before, after in _pairs(old.get(item, []), new.get(item, [])):
            yield from compare_grants(who, before, after)


def _whole(kind: ChangeKind, said: str, key: _Key, items: _Items) -> Change:
    grants = [grant for found in items.values() for grant in found]
    change = Change(
        kind, key[0], key[1], None, tuple(items), said, f"new recipient {key[1]}", kind in WIDENING
    )
    change = replace(change, at=RECIPIENTS)
    return replace(change, consents=tuple(dict.fromkeys(n for g in grants for n in g.consents)))


def _pairs(old: Sequence[Grant], new: Sequence[Grant]) -> list[tuple[Grant | None, Grant | None]]:
    """Old and new grants of one signal side by side: equal ones first, then by period."""
    before = [grant for grant in old if grant not in new]
    after = [grant for grant in new if grant not in old]
    pairs: list[tuple[Grant | None, Grant | None]] = []
    for grant in tuple(after):
        same = next((one for one in before if one.period == grant.period), None)
        if same is not None:
            pairs.append((same, grant))
            before.remove(same)
            after.remove(grant)
    return [*pairs, *zip_longest(before, after)]


def _grouped(changes: Iterable[Change]) -> list[Change]:
    """Changes that differ only in their signal become one sentence."""
    groups: dict[Change, list[str]] = {}
    for change in changes:
        groups.setdefault(replace(change, items=()), []).extend(change.items)
    return [replace(change, items=tuple(dict.fromkeys(items))) for change, items in groups.items()]
