"""A recipient in words for people: who it is, as what it receives, where, and until when."""

from collections.abc import Iterable

from pages.words.phrases import CLASSES
from pages.words.translation import Translation
from policy.language.purpose_file import Recipient


def country_words(countries: Iterable[str], words: Translation) -> str:
    """Countries by name."""
    return words.listed(map(words.country, countries))


def recipient_words(
    recipient: Recipient, words: Translation, where: str = "", *, classed: bool = True
) -> str:
    """``Example Maps K.K. [joint use in our group, ends on 2027-04-01]``; ``where`` comes last.

    ``classed``: also as what it receives, unless the page says that elsewhere.
    """
    facts = [words.gettext(CLASSES[recipient.recipient_class])] if classed else []
    if recipient.until is not None:
        facts.append(words.gettext("ends on %(day)s", day=words.date(recipient.until)))
    if where:
        facts.append(where)
    who = recipient.who.told(words.language)
    if not facts:
        return who
    return words.gettext("%(who)s [%(facts)s]", who=who, facts=words.listed(facts))
