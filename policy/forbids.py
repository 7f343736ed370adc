"""Forbids beat permits, whoever wrote them and in whatever order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from policy.categories import matches
from policy.document import Document
from policy.fields import Forbid
from policy.holdings import PlanForbid
from policy.permits import Permit
from policy.problems import Findings
from policy.requirements import in_force
from policy.terms import Denial, RecipientClass, Where
from telemetry.outcome import Withheld
from telemetry.signals import Catalogue, Signal

DENIED_CLASS: RecipientClass = "consumer_reporting"
"""Denied whatever the document permits: requirements §2, FTC v. GM and OnStar, 2026-01-14."""


@dataclass(frozen=True, slots=True)
class Ban:
    """A forbid with its id, its place and the purpose it stands in (None: every purpose)."""

    id: str
    purpose: str | None
    forbid: Forbid
    where: Where

    def hits(self, purpose: str, permit: Permit) -> bool:
        """Whether the permit is forbidden: everything the forbid names must fit."""
        forbid, to = self.forbid, permit.recipient
        return (
            self.purpose in (None, purpose)
            and (not forbid.to or to.id in forbid.to or to.recipient_class in forbid.to)
            and (not forbid.category or permit.category in forbid.category)
            and (not forbid.signal or any(matches(p, permit.signal) for p in forbid.signal))
            and not forbid.join
        )

    def compiled(self) -> PlanForbid:
        """The forbid as the plan carries it."""
        forbid = self.forbid
        roles = () if forbid.when is None else forbid.when.role
        return PlanForbid(
            self.id, self.purpose, forbid.to, forbid.category, forbid.signal, forbid.join, roles,
            forbid.because, forbid.cites, self.where,
        )  # fmt: skip


def bans(
    document: Document, signals: Mapping[str, tuple[Signal, ...]], catalogue: Catalogue,
    findings: Findings,
) -> tuple[Ban, ...]:  # fmt: skip
    """Every forbid of the document; one that names nothing known is an error."""
    found = [
        Ban(f"forbid/{n}", None, forbid, document.policy.where("forbids", n - 1))
        for n, forbid in enumerate(document.policy.content.forbids, start=1)
    ]
    for sheet in document.purposes:
        name = sheet.content.purpose
        found += [
            Ban(f"{name}/forbid/{n}", name, forbid, sheet.where("forbids", n - 1))
            for n, forbid in enumerate(sheet.content.forbids, start=1)
        ]
    for name, profile in in_force(document):
        place = document.profiles.where
        found += [
            Ban(f"{name}/forbid/{n}", None, forbid, place("profiles", name, "forbids", n - 1))
            for n, forbid in enumerate(profile.forbids, start=1)
        ]
    known = _known_recipients(document)
    for ban in found:
        _check(ban, known, signals, catalogue, findings)
    return tuple(found)


def denial(purpose: str, permit: Permit, all_bans: Iterable[Ban]) -> Denial | None:
    """The denial of a permit by the first forbid that hits it, or by its recipient.

    A forbid for some people only (``when``) denies what streams without a consent, because a
    reading does not say whose it is yet; where a consent is needed, the office refuses it.
    """
    for ban in all_bans:
        if ban.hits(purpose, permit):
            cites = ban.forbid.cites
            if ban.forbid.when is None:
                return Denial(permit.signal, Withheld.FORBIDDEN, ban.id, cites, ban.where)
            if permit.mode == "stream" and permit.basis.consent is None:
                return Denial(permit.signal, Withheld.UNSUPPORTED, ban.id, cites, ban.where)
    recipient = permit.recipient
    if recipient.recipient_class == DENIED_CLASS:
        rule = f"class/{DENIED_CLASS}"
        return Denial(permit.signal, Withheld.FORBIDDEN, rule, permit.cites, permit.where)
    if recipient.until is not None and permit.mode == "stream":
        rule = f"{permit.rule}/until"
        return Denial(permit.signal, Withheld.UNSUPPORTED, rule, permit.cites, permit.where)
    return None


def _known_recipients(document: Document) -> frozenset[str]:
    ids = {r.id for sheet in document.purposes for r in sheet.content.recipients}
    return frozenset(ids | set(get_args(RecipientClass)))


def _check(
    ban: Ban, known: frozenset[str], signals: Mapping[str, tuple[Signal, ...]],
    catalogue: Catalogue, findings: Findings,
) -> None:  # fmt: skip
    forbid, where = ban.forbid, ban.where
    if not (forbid.to or forbid.category or forbid.signal or forbid.join or forbid.when):
        remedy = "add `to`, `category`, `signal`, `join` or `when`"
        findings.error(where, "a forbid names nothing", "", remedy)
    if forbid.join and (forbid.to or forbid.category or forbid.signal or forbid.when):
        remedy = "write two forbids: `join` stands alone"
        findings.error(where, "a forbid of joining names more", "", remedy)
    for name in forbid.to:
        if name not in known:
            remedy = "write a recipient's id or a class of recipients"
            findings.error(where, "the forbid names an unknown recipient", name, remedy)
    for category in (*forbid.category, *forbid.join):
        if category not in signals:
            remedy = "write a category of categories.yaml"
            findings.error(where, "the forbid names an unknown category", category, remedy)
    for pattern in forbid.signal:
        if not catalogue.matching(pattern):
            remedy = "write a path of the signal catalogue, or a branch ending in .**"
            findings.error(where, "the forbid names no known signal", pattern, remedy)
