"""Forbids beat permits, whatever the file and the order."""

from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from policy.compiler.context import CompileContext
from policy.compiler.outputs import withheld
from policy.compiler.permits import Permit
from policy.language.document import Document, profiles_in_force
from policy.language.fields import Forbid
from policy.language.problems import Findings
from policy.plan.cells import PlanForbid
from policy.plan.forbidding import Target, hits, not_for
from policy.vocabulary.terms import Denial, RecipientClass, Where
from telemetry.outcome import Withheld

DENIED_CLASS: RecipientClass = "consumer_reporting"
"""Denied whatever the document permits: requirements §2, FTC v. GM and OnStar, 2026-01-14."""


def bans(context: CompileContext) -> tuple[PlanForbid, ...]:
    """Every forbid of the document; one that names nothing known is an error."""
    document = context.document
    found = [
        _ban(f"forbid/{n}", None, forbid, document.policy.where("forbids", n - 1))
        for n, forbid in enumerate(document.policy.content.forbids, start=1)
    ]
    for sheet in document.purposes:
        name = sheet.content.purpose
        found += [
            _ban(f"{name}/forbid/{n}", name, forbid, sheet.where("forbids", n - 1))
            for n, forbid in enumerate(sheet.content.forbids, start=1)
        ]
    for name, profile in profiles_in_force(document):
        place = document.profiles.where
        found += [
            _ban(f"{name}/forbid/{n}", None, forbid, place("profiles", name, "forbids", n - 1))
            for n, forbid in enumerate(profile.forbids, start=1)
        ]
    recipients, purposes = _known_recipients(document), tuple(document.pages)
    for ban in found:
        _check(context, ban, recipients)
        _check_exempt(ban, purposes, context.findings)
    return tuple(found)


def _ban(ban_id: str, purpose: str | None, forbid: Forbid, where: Where) -> PlanForbid:
    roles = () if forbid.when is None else forbid.when.role
    return PlanForbid(
        ban_id,
        purpose,
        forbid.to,
        forbid.category,
        forbid.signal,
        forbid.join,
        roles,
        forbid.exempt,
        forbid.because,
        forbid.cites,
        where,
    )


def decided(permit: Permit, all_bans: Iterable[PlanForbid]) -> Permit:
    """The permit with who is kept out of it: people in some roles, or everyone."""
    target = _target(permit)
    denial = _denial(permit, target, all_bans) or withheld(permit)
    return replace(permit, not_for=not_for(all_bans, target), denial=denial)


def _denial(permit: Permit, target: Target, all_bans: Iterable[PlanForbid]) -> Denial | None:
    """The denial of a permit by the first forbid that matches it, or by its recipient.

    A forbid for some people only denies nothing by itself: the permit holds for all others.
    """
    for ban in all_bans:
        if not ban.roles and hits(ban, target):
            return Denial(permit.signal, Withheld.FORBIDDEN, ban.id, ban.cites, ban.where)
    recipient = permit.recipient
    if recipient.recipient_class == DENIED_CLASS:
        rule = f"class/{DENIED_CLASS}"
        return Denial(permit.signal, Withheld.FORBIDDEN, rule, permit.cites, permit.where)
    return None


def _target(permit: Permit) -> Target:
    to, placed = permit.recipient, permit.placed
    return Target(placed.purpose, to.id, to.recipient_class, placed.category, permit.signal)


def _known_recipients(document: Document) -> frozenset[str]:
    ids = {r.id for sheet in document.purposes for r in sheet.content.recipients}
    return frozenset(ids | set(get_args(RecipientClass)))


def _check(context: CompileContext, ban: PlanForbid, known: frozenset[str]) -> None:
    findings = context.findings
    where, named = ban.where, ban.to or ban.categories or ban.signals or ban.roles
    if not (named or ban.join):
        remedy = "add `to`, `category`, `signal`, `join` or `when`"
        findings.error(where, "a forbid names nothing", "", remedy)
    if ban.join and named:
        remedy = "write two forbids: `join` cannot have other keys beside it"
        findings.error(where, "a forbid of joining names more", "", remedy)
    for name in ban.to:
        if name not in known:
            remedy = "write a recipient's id or a class of recipients"
            findings.error(where, "the forbid names an unknown recipient", name, remedy)
    for category in (*ban.categories, *ban.join):
        if category not in context.signals:
            remedy = "write a category of categories.yaml"
            findings.error(where, "the forbid names an unknown category", category, remedy)
    for pattern in ban.signals:
        if not context.catalogue.matching(pattern):
            remedy = "write a path of the signal catalogue, or a branch ending in .**"
            findings.error(where, "the forbid names no known signal", pattern, remedy)


def _check_exempt(ban: PlanForbid, purposes: tuple[str, ...], findings: Findings) -> None:
    """Only a forbid of the whole company leaves purposes out, and only known ones."""
    if ban.exempt and ban.purpose is not None:
        remedy = "remove the line: a page's forbid holds for that page alone"
        findings.error(ban.where, "a purpose's forbid has `except`", "", remedy)
    for name in ban.exempt:
        if name not in purposes:
            remedy = f"write one of: {', '.join(purposes)}"
            findings.error(ban.where, "the forbid excepts an unknown purpose", name, remedy)
