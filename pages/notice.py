"""The public notice: what is used for what, how fine, how long, who receives it, on what ground.

Made from the plan and the notices people were shown, so that it cannot promise otherwise than
the program does. One language a page; printable.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pages.forbids import forbid_words
from pages.markup import Html, bullets, join, page, table, tag
from pages.phrases import (
    DELIVERIES,
    GROUNDS,
    keep_words,
    precision_words,
    words,
)
from pages.recipients import country_words, date_words, recipient_words
from pages.titles import Titles
from policy.bilingual import Bilingual, Language
from policy.document import Document, Sheet
from policy.holdings import PlanCell
from policy.house import Controller, Manager
from policy.page import Purpose
from policy.plan import Plan
from policy.words import Space
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
    "withdraw": (
        "Where the ground is your consent, you can refuse, and take it back at any time.",
        "根拠が同意のものは、断ることも、いつでも取り消すこともできます。",
    ),
    "joint": ("Joint use within our group", "グループ内の共同利用"),
    "items": ("Items", "項目"),
    "manager": ("Responsible", "管理責任者"),
    "abroad": ("also abroad: {}", "国外を含む: {}"),
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
        self.titles = Titles(document, language)

    def say(self, key: str) -> str:
        return _WORDS[key][self.language == "ja"]

    def text(self, both: Bilingual) -> str:
        return both.told(self.language)

    def body(self) -> Iterator[Html]:
        controller = self.document.policy.content.controller
        since = date_words(self.document.policy.content.effective, self.language)
        yield tag("h1", self.say("title"))
        yield tag("p", self.say("lead"))
        stop = "。" if self.language == "ja" else ". "
        facts = f"{self.say('since')} {since}{stop}"
        facts += f"{self.say('version')} {self.plan.policy_version}"
        yield tag("p", facts, class_="dim")
        yield tag("h2", self.say("who"))
        mail = tag("a", controller.contact, href=f"mailto:{controller.contact}")
        yield tag("p", self._address(controller))
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
        rows = self._rows(cells)
        title = self.text(content.title)
        return join(
            tag("h2", title, id=content.purpose),
            *(tag("p", text) for text in texts),
            table(title, head, rows),
            *self._forbids(content),
        )

    def _rows(self, cells: list[PlanCell]) -> list[list[str]]:
        """One row for recipients, then categories, that share all else."""
        recipients: dict[tuple[str, str, str, str], list[str]] = {}
        for cell in cells:
            category = self.titles.item(cell.category)
            ground = words(GROUNDS, str(cell.basis.kind), self.language)
            key = (category, self._fineness(cell), keep_words(cell, self.language), ground)
            recipients.setdefault(key, []).append(self._recipient(cell))
        together: dict[tuple[str, str, str, str], list[str]] = {}
        for (category, fine, kept, ground), who in recipients.items():
            key = (fine, kept, self._list(dict.fromkeys(who)), ground)
            together.setdefault(key, []).append(category)
        return [[self.titles.comma.join(names), *key] for key, names in together.items()]

    def _list(self, parts: Iterable[str]) -> str:
        """Parts that may hold commas themselves."""
        return ("、" if self.language == "ja" else "; ").join(parts)

    def _recipient(self, cell: PlanCell) -> str:
        recipient = self.titles.receives(cell.purpose, cell.recipient)
        abroad = [country for country in recipient.countries if country != HOME]
        named = country_words(abroad, self.language)
        where = self.say("abroad").format(named) if abroad else ""
        return recipient_words(recipient, self.language, where)

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
        return self._list(part for part in parts if part) or "-"

    def _forbids(self, content: Purpose | None) -> Iterator[Html]:
        everywhere = content is None
        found = (self.document.policy.content if content is None else content).forbids
        lines = [
            forbid_words(one, self.titles, everywhere=everywhere) for one in found if not one.join
        ]
        if lines:
            yield tag("h3", self.say("never"))
            yield bullets(list(dict.fromkeys(lines)))

    def _joint_use(self) -> Iterator[Html]:
        joint = self.document.policy.content.joint_use
        if joint is None:
            return
        yield tag("h2", self.say("joint"))
        notice = self.document.notices.get(joint.notice)
        if notice is not None:
            yield tag("p", self.text(notice.content.text))
        items = self.titles.comma.join(map(self.titles.item, joint.items))
        yield tag("p", f"{self.say('items')}: {items}")
        yield tag("p", f"{self.say('manager')}: {self._address(joint.manager)}")

    def _address(self, who: Controller | Manager) -> str:
        return self.titles.comma.join(map(self.text, (who.name, who.representative, who.address)))
