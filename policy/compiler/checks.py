"""Checks of what holds for the whole company: joint use, combinations, scope."""

import re
from collections.abc import Iterable
from typing import Final

from policy.compiler.context import CompileContext
from policy.compiler.permits import Permit
from policy.language.document import Sheet
from policy.language.policy_file import Policy, Scope
from policy.language.problems import Findings
from policy.language.purpose_file import Purpose
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.operations import PAIR, parts_of
from policy.vocabulary.patterns import matches
from policy.vocabulary.position import mesh_in
from policy.vocabulary.terms import Where
from policy.vocabulary.words import format_duration
from telemetry.wire.envelope import NAMED

OPEN_ENDED: Final = re.compile(
    r"\b(other|others|etc|and so on|any|necessary|required|miscellaneous)\b|その他|など|等|必要",
    re.IGNORECASE,
)
"""Words that leave a list open: a published list of items is closed (seed 第3-1③)."""


def check_house(context: CompileContext) -> None:
    """Joint use is closed, managed and announced; combinations name purposes that exist."""
    document, findings = context.document, context.findings
    policy, sheet = document.policy.content, document.policy
    purposes = set(document.pages)
    _check_scope(policy.scope, sheet, findings)
    for n, combine in enumerate(policy.combine):
        where = sheet.where("combine", n)
        _known(combine.purposes, purposes, where, "combines an unknown purpose", findings)
    joint = policy.joint_use
    if joint is None:
        return
    _known(joint.purposes, purposes, sheet.where("joint_use"), "an unknown purpose", findings)
    categories = document.categories.content.categories
    facts = {fact: both for one in categories.values() for fact, both in one.facts.items()}
    titles = {name: one.title for name, one in categories.items()} | facts
    for index, item in enumerate(joint.items):
        where = sheet.where("joint_use", "items", index)
        read = (item.replace("_", " "), *_read(titles.get(item)))
        if any(OPEN_ENDED.search(text) for text in read):
            remedy = "list each item by the name of its fact: a joint-use list is closed"
            findings.error(where, "an open-ended item of joint use", item, remedy)
        elif item not in titles:
            remedy = "write a fact or a category of categories.yaml"
            findings.error(where, "joint use of an unknown item", item, remedy)
    notice = document.notices.get(joint.notice)
    where = sheet.where("joint_use", "notice")
    if notice is None:
        remedy = f"add notices/{joint.notice}.yaml"
        findings.error(where, "joint use names no notice that exists", joint.notice, remedy)
    elif notice.content.effective > policy.effective:
        remedy = "publish the notice first (APPI Art. 27(6))"
        findings.error(where, "joint use starts before its notice", joint.notice, remedy)


def _check_scope(scope: Scope, sheet: Sheet[Policy], findings: Findings) -> None:
    """The wire can carry what is listed; what is unstated counts as something listed."""
    for part, names in (("services", scope.services), ("sources", scope.sources)):
        for index, listed_name in enumerate(names):
            if re.fullmatch(NAMED, listed_name) is None:
                where = sheet.where("scope", part, index)
                message, remedy = "too long for the wire", "take a name of at most 32 characters"
                findings.error(where, message, listed_name, remedy)
    unstated = scope.unstated
    if unstated is None:
        return
    where = sheet.where("scope", "unstated")
    if unstated.service is None and unstated.source is None:
        remedy = "name a `service`, a `source` or both, or leave `unstated` out"
        findings.error(where, "says nothing of what is unstated", "", remedy)
    counted = (unstated.service, scope.services), (unstated.source, scope.sources)
    for name, listed in counted:
        if name is not None:
            message = "counts what is unstated as something that the scope does not list"
            _known((name,), set(listed), where, message, findings)


def _read(title: Bilingual | None) -> tuple[str, ...]:
    """What people read in place of the item's name."""
    return () if title is None else (title.ja, title.en)


def _known(
    names: Iterable[str], known: set[str], where: Where, message: str, findings: Findings
) -> None:
    for name in names:
        if name not in known:
            remedy = f"write one of: {', '.join(sorted(known))}"
            findings.error(where, message, name, remedy)


def check_beside(context: CompileContext, permits: tuple[Permit, ...]) -> None:
    """Refuse untreated position-like signals in an output that coarsens positions."""
    categories = context.document.categories.content.categories
    like = [pattern for content in categories.values() for pattern in content.position_like]
    coarse = [p.time_floor_ms for p in permits if p.signal in PAIR and mesh_in(p.operations)]
    if not coarse:
        return
    for permit in permits:
        if permit.signal in PAIR or not any(matches(pattern, permit.signal) for pattern in like):
            continue
        parts = parts_of(permit.operations)
        if permit.time_floor_ms >= min(coarse) or (parts.thin and parts.steps):
            continue
        message = f"{permit.signal} would reveal the route between coarse positions"
        remedy = f"thin and round it (`do: {{{permit.signal}: [thin 10 s, round 5]}}`), drop it, "
        remedy += f"or take a precision with times of {format_duration(min(coarse))} or more"
        context.findings.error(permit.where, message, permit.recipient.id, remedy)


def check_document(context: CompileContext) -> None:
    """Recipients are unique in a purpose; parts belong to a purpose; a policy has purposes."""
    document, findings = context.document, context.findings
    purposes = document.pages
    if not purposes:
        remedy = "add a page under purposes/; without one nothing may be kept"
        findings.error(document.policy.where(), "the policy has no purpose", "", remedy)
    for page in document.purposes:
        part_of = page.content.part_of
        if part_of is not None and part_of not in purposes:
            remedy = f"write one of: {', '.join(sorted(purposes))}"
            findings.error(page.where("part_of"), "part of an unknown purpose", part_of, remedy)
        if page.content.suspended:
            message = f"`{page.content.purpose}` is suspended: nothing new is taken in for it"
            remedy = "remove the line once the purpose goes on"
            findings.warn(page.where("suspended"), message, "", remedy)
        seen: set[str] = set()
        for index, recipient in enumerate(page.content.recipients):
            if recipient.id in seen:
                where = page.where("recipients", index)
                remedy = "give each recipient an id of its own"
                findings.error(where, "a recipient is listed twice", recipient.id, remedy)
            seen.add(recipient.id)
            if recipient.until is not None and recipient.until <= document.policy.content.effective:
                where = page.where("recipients", index, "until")
                message = f"`{recipient.id}` receives nothing: it ends before the policy begins"
                remedy = "remove the recipient, or date its `until` later"
                findings.warn(where, message, recipient.until, remedy)


def warn_redundant(context: CompileContext) -> None:
    """Warn of notices, recipients, patterns and grounds that could be left out."""
    document, findings = context.document, context.findings
    named = {page.content.basis.notice for page in document.purposes}
    for page in document.purposes:
        cells = [cell for line in page.content.cells.values() for cell in line]
        named |= {cell.basis.notice for cell in cells if cell.basis is not None}
        _recipients(page, findings)
        _lines(page, findings)
    joint = document.policy.content.joint_use
    named |= set() if joint is None else {joint.notice}
    for name, sheet in document.notices.items():
        if name not in named:
            remedy = "remove the file, or let a basis name it"
            findings.warn(sheet.where("notice"), "no basis rests on this notice", name, remedy)


def _recipients(page: Sheet[Purpose], findings: Findings) -> None:
    cells = [cell for line in page.content.cells.values() for cell in line]
    for index, recipient in enumerate(page.content.recipients):
        if all(cell.to and recipient.id not in cell.to for cell in cells):
            where = page.where("recipients", index)
            remedy = "remove the recipient, or name it in a cell's `to`"
            findings.warn(where, "no cell is for this recipient", recipient.id, remedy)


def _lines(page: Sheet[Purpose], findings: Findings) -> None:
    for category, line in page.content.cells.items():
        for n, cell in enumerate(line):
            at = ("cells", category, n)
            if cell.basis is not None and cell.basis == page.content.basis:
                where = page.where(*at, "basis")
                remedy = "remove the line"
                message = "the cell repeats its purpose's basis"
                findings.warn(where, message, cell.basis.notice, remedy)
            for index, name in enumerate(cell.only):
                others = [p for other, p in enumerate(cell.only) if other != index]
                if any(_covers(pattern, name) for pattern in others):
                    where = page.where(*at, "only", index)
                    findings.warn(where, "another line covers this one", name, "remove it")


def _covers(pattern: str, name: str) -> bool:
    """Whether a pattern names all that another one names."""
    return pattern == name or matches(pattern, name.removesuffix(".**"))
