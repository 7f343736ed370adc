"""What a dry run takes for granted about the person, in a sentence."""

from pages.phrases import ROLES
from pages.translation import Translation
from telemetry.control import Role


def assumed_words(role: Role, words: Translation, *, agreed: bool) -> str:
    """Whose drive it is taken to be, and what they agreed to."""
    people = words.gettext(ROLES[role])
    if agreed:
        return words.gettext(
            "Taken for %(people)s, as if everything had been agreed to.", people=people
        )
    return words.gettext("Taken for %(people)s, as if nothing had been agreed to.", people=people)
