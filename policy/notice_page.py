"""The public notice: what is used for what, how fine, how long, who receives it, on what ground.

Made from the plan and the notices people were shown, so that it cannot promise otherwise than
the program does. One language a page; printable.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from policy.document import Document, Sheet
from policy.fields import Forbid
from policy.holdings import PlanCell
from policy.markup import Html, Language, bullets, join, page, table, tag
from policy.page import Purpose
from policy.people_words import (
    CLASSES,
    DELIVERIES,
    GROUNDS,
    ROLES,
    keep_words,
    precision_words,
    words,
)
from policy.plan import Plan
from policy.words import Space
from telemetry.instants import format_instant
from telemetry.signals import Kind

HOME: Final = "JP"
"""The controller's own country, which is not abroad."""

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("How we use data from your car", "お車から得る情報の取り扱い"),
    "lead": (
        "Made from the rules by which our systems work: what is not named here is not used.",
        "このお知らせは、システムが実際に従う規則から作られています。ここにないものは使いません。",
    ),
    "since": ("In force since", "施行日"),
    "version": ("Version", "版"),
    "who": ("Who is responsible", "責任者"),
    "contact": (
        "Questions, access, correction, erasure, complaints",
        "お問い合わせ・開示・訂正・消去・苦情",
    ),
    "purposes": ("Purposes", "利用目的"),
    "told": ("In short", "要点"),
    "what": ("Data", "情報"),
    "how": ("How fine", "細かさ"),
    "long": ("Kept at most", "保存期間"),
    "receives": ("Who receives it", "受け取る人"),
    "ground": ("Ground", "根拠"),
    "never": ("Never", "しないこと"),
    "never_to": ("{} never receives: {}", "{}には渡しません: {}"),
    "never_here": ("Not used for this: {}", "この目的には使いません: {}"),
    "for_roles": ("For {}: {}", "{}について: {}"),
    "all": ("anything", "すべて"),
    "withdraw": (
        "Where the ground is your consent, you can refuse, and take it back at any time.",
        "根拠が同意のものは、断ることも、いつでも取り消すこともできます。",
    ),
    "joint": ("Joint use within our group", "グループ内の共同利用"),
    "items": ("Items", "項目"),
    "manager": ("Responsible", "管理責任者"),
    "abroad": ("also abroad", "国外を含む"),
    "count": ("at least {} people in each figure", "一つの数字に{}人以上"),
}  # fmt: skip


def notice_page(plan: Plan, document: Document, language: Language) -> str:
    """The whole notice in one language."""
    made = _Notice(plan, document, language)
    return page(language, made.say("title"), *made.body())


class _Notice:
    def __init__(self, plan: Plan, document: Document, language: Language) -> None:
        self.plan = plan
        self.document = document
        self.language = language

    def say(self, key: str) -> str:
        return _WORDS[key][self.language == "ja"]

    def text(self, both: Any) -> str:
        return str(both.ja if self.language == "ja" else both.en)

    def body(self) -> Iterator[Html]:
        controller = self.document.policy.content.controller
        since = format_instant(self.plan.effective_ms)[:10]
        yield tag("h1", self.say("title"))
        yield tag("p", self.say("lead"))
        facts = f"{self.say('since')} {since}. {self.say('version')} {self.plan.policy_version}"
        yield tag("p", facts, class_="dim")
        yield tag("h2", self.say("who"))
        mail = tag("a", controller.contact, href=f"mailto:{controller.contact}")
        address = f"{controller.name}, {controller.representative}, {controller.address}"
        yield tag("p", address)
        yield tag("p", f"{self.say('contact')}: ", mail)
        yield tag("p", self.say("withdraw"), class_="note")
        pages = [p for p in self.document.purposes if self._cells(p)]
        yield tag("h2", self.say("purposes"))
        links = [tag("a", self.text(p.content.title), href=f"#{p.content.purpose}") for p in pages]
        yield tag("nav", bullets(list(links)), aria_label=self.say("purposes"))
        yield from self._forbids(None)
        for one in pages:
            yield self._purpose(one)
        yield from self._joint_use()

    def _cells(self, sheet: Sheet[Purpose]) -> list[PlanCell]:
        own = (cell for cell in self.plan.cells if cell.purpose == sheet.content.purpose)
        return [cell for cell in own if cell.signals or cell.facts]

    def _purpose(self, sheet: Sheet[Purpose]) -> Html:
        content = sheet.content
        cells = self._cells(sheet)
        refs = dict.fromkeys(cell.basis.notice for cell in cells)
        known = self.document.notices
        texts = [self.text(known[ref].content.text) for ref in refs if ref in known]
        head = [self.say(key) for key in ("what", "how", "long", "receives", "ground")]
        rows = self._rows(content, cells)
        title = self.text(content.title)
        return join(
            tag("h2", title, id=content.purpose),
            *(tag("p", text) for text in texts),
            table(title, head, rows),
            *self._forbids(content),
        )

    def _rows(self, content: Purpose, cells: list[PlanCell]) -> list[list[str]]:
        """One row for recipients, then categories, that share all else."""
        categories = self.document.categories.content.categories
        recipients: dict[tuple[str, str, str, str], list[str]] = {}
        for cell in cells:
            category = self.text(categories[cell.category].title)
            ground = words(GROUNDS, str(cell.basis.kind), self.language)
            key = (category, self._fineness(cell), keep_words(cell, self.language), ground)
            recipients.setdefault(key, []).append(self._recipient(content, cell))
        together: dict[tuple[str, str, str, str], list[str]] = {}
        for (category, fine, kept, ground), who in recipients.items():
            key = (fine, kept, "; ".join(dict.fromkeys(who)), ground)
            together.setdefault(key, []).append(category)
        comma = "、" if self.language == "ja" else ", "
        return [[comma.join(names), *key] for key, names in together.items()]

    def _recipient(self, content: Purpose, cell: PlanCell) -> str:
        recipient = next(one for one in content.recipients if one.id == cell.recipient)
        countries = [country for country in recipient.countries if country != HOME]
        abroad = f", {self.say('abroad')}: {', '.join(countries)}" if countries else ""
        kind = words(CLASSES, cell.recipient_class, self.language)
        return f"{recipient.who} [{kind}{abroad}]"

    def _fineness(self, cell: PlanCell) -> str:
        parts = [words(DELIVERIES, cell.delivery, self.language)]
        if cell.at_least is not None:
            parts.append(self.say("count").format(cell.at_least))
        precisions = self.document.precisions.content.precisions
        if cell.signals and cell.precision is not None:
            precision = precisions[cell.precision]
            catalogue = self.plan.catalogue
            placed = any(catalogue[path].kind is Kind.POSITION for path in cell.signals)
            space: Space | None = precision.space if placed else None
            parts.append(precision_words(space, precision.time, self.language))
        return ("、" if self.language == "ja" else "; ").join(part for part in parts if part) or "-"

    def _forbids(self, content: Purpose | None) -> Iterator[Html]:
        policy = self.document.policy.content
        found = policy.forbids if content is None else content.forbids
        lines = [self._forbid(one) for one in found if not one.join]
        if lines:
            yield tag("h3", self.say("never"))
            yield bullets(list(dict.fromkeys(lines)))

    def _forbid(self, forbid: Forbid) -> str:
        known = self.document.categories.content.categories
        comma = "、" if self.language == "ja" else ", "
        named = [self.text(known[name].title) for name in forbid.category if name in known]
        of = comma.join([*named, *forbid.signal]) or self.say("all")
        to = comma.join(words(CLASSES, name, self.language) for name in forbid.to)
        line = self.say("never_to").format(to, of) if to else self.say("never_here").format(of)
        when = forbid.when
        if when is None:
            return line
        roles = comma.join(words(ROLES, role, self.language) for role in when.role)
        return self.say("for_roles").format(roles, line)

    def _joint_use(self) -> Iterator[Html]:
        joint = self.document.policy.content.joint_use
        if joint is None:
            return
        yield tag("h2", self.say("joint"))
        notice = self.document.notices.get(joint.notice)
        if notice is not None:
            yield tag("p", self.text(notice.content.text))
        manager = f"{joint.manager.name}, {joint.manager.representative}, {joint.manager.address}"
        items = ", ".join(item.replace("_", " ") for item in joint.items)
        yield tag("p", f"{self.say('items')}: {items}")
        yield tag("p", f"{self.say('manager')}: {manager}")
