"""What a dry run takes for granted about the person, in a sentence in either language."""

from pages.phrases import ROLES, words
from policy.bilingual import Language
from telemetry.control import Role

_SAID = {
    (True, "en"): "Taken for {}, as if everything had been agreed to.",
    (False, "en"): "Taken for {}, as if nothing had been agreed to.",
    (True, "ja"): "{}について、すべてに同意があった場合です。",
    (False, "ja"): "{}について、何にも同意がなかった場合です。",
}


def assumed_words(role: Role, language: Language, *, agreed: bool) -> str:
    """Whose drive it is taken to be, and what they agreed to."""
    return _SAID[agreed, language].format(words(ROLES, role, language))
