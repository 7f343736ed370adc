"""One change between two policies, in a sentence, with what it asks of people."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from policy.language.policy_file import Approval


class ChangeKind(StrEnum):
    """What a change does."""

    OPENS = "OPENS"
    CLOSES = "CLOSES"
    LENGTHENS = "LENGTHENS"
    SHORTENS = "SHORTENS"
    FINER = "FINER"
    COARSER = "COARSER"
    OTHERWISE = "TREATS_OTHERWISE"
    """Neither finer nor coarser in every respect."""
    RECIPIENT = "NEW_RECIPIENT"
    GROUND = "BASIS_CHANGED"
    LOOSENS = "LOOSENS"
    """A safeguard of the whole policy or of a purpose is weaker than before."""
    TIGHTENS = "TIGHTENS"


ITEMS: Final = "{}"
"""The placeholder for signals and facts in a change's sentence."""

WIDENING: Final = frozenset(
    {
        ChangeKind.OPENS,
        ChangeKind.LENGTHENS,
        ChangeKind.FINER,
        ChangeKind.OTHERWISE,
        ChangeKind.RECIPIENT,
        ChangeKind.LOOSENS,
    }
)
"""Kinds that let more through than before, or may: they need a decision of people."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, for whom, and who decided it."""

    kind: ChangeKind
    purpose: str | None
    """None if the whole policy changed."""
    recipient: str | None
    category: str | None
    items: tuple[str, ...]
    """Signals and facts concerned; empty if the change is not about data."""
    said: str
    """The sentence without its verdict, with ``{}`` for the items."""
    key: str
    """What an approval writes as its ``change``."""
    widens: bool
    approval: Approval | None = None
    consents: tuple[str, ...] = ()
    """Notices whose consent the data concerned rests on in the new document."""
    at: tuple[str, ...] = ()
    """Keys that lead to what changed, if it is about no category: in the purpose's page, else in
    ``policy.yaml``, or in the file whose name comes first."""
    needs_notice: tuple[str, ...] = ()
    """Notices that need a new number before this may be published; no approval stands for it."""

    @property
    def undecided(self) -> bool:
        """Whether this may not be published: no recorded decision, or no new notice."""
        return bool(self.needs_notice) or (self.widens and self.approval is None)

    @property
    def sentence(self) -> str:
        """The sentence with its verdict, as ``… 36 months (was 24): LENGTHENS, NEEDS_DECISION``."""
        text = f"{self.said.replace(ITEMS, self._items())}: {self.kind}"
        if self.needs_notice:
            return f"{text}, NEEDS_NEW_NOTICE ({', '.join(map(_successor, self.needs_notice))})"
        if self.approval is not None and self.widens:
            return f"{text}, decided by {self.approval.by} on {self.approval.on}"
        return f"{text}, NEEDS_DECISION" if self.widens else text

    def _items(self) -> str:
        if len(self.items) <= 1:
            return "".join(self.items)
        of = f" of {self.category}" if self.category is not None else ""
        return f"{self.items[0]} and {len(self.items) - 1} more{of}"


def _successor(notice: str) -> str:
    """``study@2 in place of study@1``; whoever rests a cell on it asks people anew."""
    name, _, number = notice.partition("@")
    return f"write {name}@{int(number) + 1} in place of {notice}"


def safeguard(
    kind: ChangeKind,
    purpose: str | None,
    key: str,
    recipient: str | None = None,
    *,
    at: tuple[str, ...] = (),
) -> Change:
    """A change of what protects all data of a purpose, or (None) of the whole policy."""
    said = key if purpose is None else f"{purpose}: {key}"
    return Change(kind, purpose, recipient, None, (), said, key, kind in WIDENING, at=at)


@dataclass(frozen=True, slots=True)
class Difference:
    """Every change from one policy to the next, in the order of the new document."""

    changes: tuple[Change, ...]
    effective: date

    @property
    def undecided(self) -> tuple[Change, ...]:
        """What stops a publication: widenings without a decision, or without a new notice."""
        return tuple(change for change in self.changes if change.undecided)
