"""What people were told, or agreed to: under one number a notice says one thing.

Another text, date or figure under a number that exists is refused; a new number asks anew. So does
a widening of cells that rest on a consent (APPI Art. 17, 18: within the purpose that was told).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, assert_never

from policy.compiled import CompiledPolicy
from policy.diff.change import Change, ChangeKind, safeguard
from policy.plan.notice_figures import figure, is_shown, listed, resting_on
from policy.vocabulary.notice_words import DataList, Placeholder, parts

ASKS_ANEW: Final = frozenset(
    {
        ChangeKind.OPENS,
        ChangeKind.LENGTHENS,
        ChangeKind.FINER,
        ChangeKind.OTHERWISE,
        ChangeKind.RECIPIENT,
    }
)
"""Kinds of change that a consent given before does not cover."""


def under_new_notices(changes: Iterable[Change], old: CompiledPolicy) -> Iterator[Change]:
    """Each change; one that widens what a notice of the old document was agreed to needs a new."""
    known = old.document.notices
    for change in changes:
        same = tuple(name for name in change.consents if name in known)
        asks = change.widens and change.kind in ASKS_ANEW and same
        yield replace(change, needs_notice=same) if asks else change


def notice_changes(old: CompiledPolicy, new: CompiledPolicy) -> Iterator[Change]:
    """Notices of both that would tell something else under the same number."""
    for name, sheet in new.document.notices.items():
        before = old.document.notices.get(name)
        if before is None:
            continue
        was, now = before.content, sheet.content
        found = [] if was.text == now.text else [f"notice {name} has another text"]
        if was.effective != now.effective:
            found.append(f"notice {name} holds from {now.effective} (was {was.effective})")
        for key in found or _figures(name, old, new):
            told = safeguard(ChangeKind.OTHERWISE, None, key)
            yield replace(told, needs_notice=(name,))


def _figures(name: str, old: CompiledPolicy, new: CompiledPolicy) -> Iterator[str]:
    """The same text that would read otherwise, since a cell fills it with something else."""
    was, now = (_told(name, one) for one in (old, new))
    for asked, told in now.items():
        if was.get(asked, told) != told:
            yield f"notice {name} tells {asked} as {told} (was {was[asked]})"


def _told(name: str, policy: CompiledPolicy) -> dict[str, str]:
    cells, joint = resting_on(policy.plan, name), policy.document.joint_items(name)
    found: dict[str, str] = {}
    if not is_shown(cells, joint):
        return found
    text = policy.document.notices[name].content.text
    for part in (*parts(text.ja), *parts(text.en)):
        match part:
            case Placeholder():
                found[str(part)] = str(figure(policy.plan, cells, part))
            case DataList(listing):
                found[str(part)] = ", ".join(listed(cells, listing, joint))
            case str():
                pass
            case _:
                assert_never(part)
    return found
