"""Who decided a widening: approvals the new document adds, matched to changes word by word.

An approval that the old document had already is spent: it decided an earlier change.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policy.diff.change import Change
from policy.language.document import Document
from policy.language.policy_file import Approval

Approvals = dict[str | None, tuple[Approval, ...]]
"""By purpose; None for those of the whole policy."""


def new_approvals(old: Document, new: Document) -> Approvals:
    """Approvals in the new document that the old one did not have."""
    spent = {key: frozenset(found) for key, found in _approvals(old)}
    return {
        key: tuple(one for one in found if one not in spent.get(key, frozenset()))
        for key, found in _approvals(new)
    }


def _approvals(document: Document) -> Iterator[tuple[str | None, tuple[Approval, ...]]]:
    yield None, document.policy.content.approvals
    for page in document.purposes:
        yield page.content.purpose, page.content.approvals


def with_approvals(changes: Iterable[Change], approvals: Approvals) -> Iterator[Change]:
    """Each change with the approval that names it, if there is one."""
    for change in changes:
        words = approval_words(change)
        known = approvals.get(change.purpose, ())
        named = next((one for one in known if " ".join(one.change.split()) in words), None)
        yield change if named is None else replace(change, approval=named)


def approval_words(change: Change) -> tuple[str, ...]:
    """The values an approval's ``change`` may have: the category or the signal, then what changed.

    The recipient may be named in between, and must be if the purpose has several.
    """
    targets = dict.fromkeys((change.category, *change.items))
    if change.category is None:
        return (change.key,)
    one_of_several = change.said.startswith(f"{change.purpose} to {change.recipient} ")
    recipients = [f" to {change.recipient}"] if one_of_several else ["", f" to {change.recipient}"]
    return tuple(f"{target}{to} {change.key}" for target in targets for to in recipients)
