"""Forbids of the whole policy or of a page, old beside new: which are gone, which are added."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from policy.diff.change import Change, ChangeKind, safeguard
from policy.language.fields import Forbid
from policy.plan.forbidding import covers

AT: Final = ("forbids",)
REASONS: Final = frozenset({"because", "cites"})


def forbid_changes(
    purpose: str | None, old: tuple[Forbid, ...], new: tuple[Forbid, ...]
) -> Iterator[Change]:
    """A forbid that another one covers is no change of its own."""
    before, after = [_named(forbid) for forbid in old], [_named(forbid) for forbid in new]
    for named in before:
        if not any(covers(other, named) for other in after):
            yield safeguard(ChangeKind.LOOSENS, purpose, f"no longer forbids {_said(named)}", at=AT)
    for named in after:
        if not any(covers(other, named) for other in before):
            yield safeguard(ChangeKind.TIGHTENS, purpose, f"now forbids {_said(named)}", at=AT)


def _named(forbid: Forbid) -> dict[str, tuple[str, ...]]:
    """What a forbid names, its reasons left out."""
    named: dict[str, Any] = {
        key: getattr(forbid, key) for key in type(forbid).model_fields if key not in REASONS
    }
    return named | {"when": () if forbid.when is None else forbid.when.role}


def _said(named: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(
        f"{'except' if key == 'exempt' else key} {' or '.join(values)}"
        for key, values in named.items()
        if values
    )
