"""What a document calls its purposes, categories, facts and recipients, in one language."""

from datetime import date

from pages.words.phrases import RECEIVERS
from pages.words.translation import translation
from policy.language.document import Document
from policy.language.policy_file import Controller, Manager
from policy.language.purpose_file import Recipient
from policy.plan.cells import PlanCell
from policy.vocabulary.bilingual import Bilingual, Language


class Titles:
    """Names for people in place of ids."""

    def __init__(self, document: Document, language: Language) -> None:
        self.words = translation(language)
        self.document = document
        pages = [sheet.content for sheet in document.purposes]
        categories = document.categories.content.categories
        self._purposes = {page.purpose: page.title for page in pages}
        self._recipients = {
            (page.purpose, one.id): one for page in pages for one in page.recipients
        }
        self._who = {one.id: one.who for page in pages for one in page.recipients}
        self._items = {name: category.title for name, category in categories.items()}
        for category in categories.values():
            self._items.update(category.facts)

    def purpose(self, purpose: str) -> str:
        """A purpose's title."""
        return self._named(self._purposes, purpose)

    def item(self, name: str) -> str:
        """A category or a fact by its title, a signal by its path."""
        return self._named(self._items, name)

    def receives(self, purpose: str, recipient: str) -> Recipient:
        """Who stands under this id on the purpose's page."""
        return self._recipients[purpose, recipient]

    def until(self, cell: PlanCell) -> date | None:
        """The day on which the cell itself ends, whoever receives it."""
        return self.document.page(cell.purpose).cells[cell.category][cell.line].until

    def who(self, purpose: str, recipient: str) -> str:
        """The same by name."""
        return self.told(self.receives(purpose, recipient).who)

    def receiver(self, name: str) -> str:
        """Whom a forbid names: a class of recipients, or a recipient's id."""
        if name in RECEIVERS:
            return self.words.gettext(RECEIVERS[name])
        return self._named(self._who, name)

    def last_days(self, recipient: str) -> list[date]:
        """The days on which this recipient's part ends, the latest last; empty: no end is set."""
        named = (one.until for (_, name), one in self._recipients.items() if name == recipient)
        return sorted({day for day in named if day is not None})

    def representative(self, who: Bilingual) -> str:
        """``represented by Hanako Example``."""
        return self.words.gettext("represented by %(who)s", who=self.told(who))

    def told_of(self, who: Controller | Manager) -> list[str]:
        """Name, representative and address, each for a line of its own."""
        return [
            self.told(who.name),
            self.representative(who.representative),
            self.told(who.address),
        ]

    def told(self, both: Bilingual) -> str:
        """What the document says in both languages, in this one."""
        return both.told(self.words.language)

    def _named(self, known: dict[str, Bilingual], name: str) -> str:
        return self.told(known[name]) if name in known else name
