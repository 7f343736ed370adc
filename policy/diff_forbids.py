"""Forbids of the house or of a page, old beside new: which are gone, which are added."""

from collections.abc import Iterator
from typing import Any, Final

from policy.changes import Change, ChangeKind, safeguard
from policy.fields import Forbid

REASONS: Final = frozenset({"because", "cites"})


def forbid_changes(
    purpose: str | None, old: tuple[Forbid, ...], new: tuple[Forbid, ...]
) -> Iterator[Change]:
    """A forbid that another one covers is no change of its own."""
    for forbid in old:
        if not any(_covers(other, forbid) for other in new):
            yield safeguard(ChangeKind.LOOSENS, purpose, f"no longer forbids {_said(forbid)}")
    for forbid in new:
        if not any(_covers(other, forbid) for other in old):
            yield safeguard(ChangeKind.TIGHTENS, purpose, f"now forbids {_said(forbid)}")


def _named(forbid: Forbid) -> dict[str, tuple[str, ...]]:
    """What a forbid names, its reasons left out."""
    named: dict[str, Any] = {
        key: getattr(forbid, key) for key in type(forbid).model_fields if key not in REASONS
    }
    return named | {"when": () if forbid.when is None else forbid.when.role}


def _covers(wider: Forbid, forbid: Forbid) -> bool:
    """Whether everything the one forbids is forbidden by the other; naming nothing is all."""
    mine = _named(forbid)
    for key, named in _named(wider).items():
        if not named or named == mine[key]:
            continue
        # The fewer purposes it leaves out, the more it forbids; all else is the reverse.
        less, more = (named, mine[key]) if key == "exempt" else (mine[key], named)
        if not (mine[key] and set(less) <= set(more)):
            return False
    return True


def _said(forbid: Forbid) -> str:
    parts = []
    for key, named in _named(forbid).items():
        if named:
            parts.append(f"{'except' if key == 'exempt' else key} {' or '.join(named)}")
    return ", ".join(parts)
