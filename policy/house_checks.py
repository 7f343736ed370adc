"""Checks of what holds for the whole house: joint use, combinations, scope."""

import re
from collections.abc import Iterable
from typing import Final

from policy.bilingual import Bilingual
from policy.context import CompileContext
from policy.problems import Findings
from policy.terms import Where

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
