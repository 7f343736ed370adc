"""A difference as JSON values: what ``roadfade policy diff --json`` prints."""

from typing import Any

from policy.diff.approvals import approval_words
from policy.diff.change import Change, Difference


def diff_json(difference: Difference) -> dict[str, Any]:
    """``holds`` where every widening is decided, and every change in a sentence and in parts."""
    return {
        "holds": not difference.undecided,
        "undecided": len(difference.undecided),
        "changes": [_change(change) for change in difference.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    approval = change.approval
    return {
        "sentence": change.sentence,
        "kind": str(change.kind),
        "widens": change.widens,
        "needs_decision": change.undecided,
        "purpose": change.purpose,
        "recipient": change.recipient,
        "category": change.category,
        "items": list(change.items),
        "approve_as": approval_words(change)[0],
        "approval": None
        if approval is None
        else {"decision": approval.decision, "by": approval.by, "on": str(approval.on)},
    }
