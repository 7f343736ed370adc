"""What a document calls its purposes, categories, facts and recipients, in one language."""

from pages.phrases import CLASSES, words
from policy.bilingual import Bilingual, Language
from policy.document import Document
from policy.page import Recipient


class Titles:
    """Names for people in place of ids."""

    def __init__(self, document: Document, language: Language) -> None:
        self.language = language
        self.comma = "、" if language == "ja" else ", "
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
        return self._told(self._purposes, purpose)

    def item(self, name: str) -> str:
        """A category or a fact by its title, a signal by its path."""
        return self._told(self._items, name)

    def receives(self, purpose: str, recipient: str) -> Recipient:
        """Who stands under this id on the purpose's page."""
        return self._recipients[purpose, recipient]

    def who(self, purpose: str, recipient: str) -> str:
        """The same by name."""
        return self.receives(purpose, recipient).who.told(self.language)

    def receiver(self, name: str) -> str:
        """Whom a forbid names: a class of recipients, or a recipient's id."""
        if name in CLASSES:
            return words(CLASSES, name, self.language)
        return self._told(self._who, name)

    def _told(self, known: dict[str, Bilingual], name: str) -> str:
        return known[name].told(self.language) if name in known else name
