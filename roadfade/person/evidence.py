"""What is told of evidence that stays of consents: for how long, and that it names nobody. Pure.

In: a version of the policy. Out: sentences in the reader's language, and the same as facts.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from office.erasure.consent_ends import EVENT
from office.erasure.consent_moves import ERASED
from pages.words.translation import Translation, phrase
from policy.plan.last_rows import evidence_period
from policy.plan.plan import Plan
from policy.vocabulary.terms import Period

AFTER_END: Final = phrase(
    "When we no longer keep your name with a consent, evidence of it stays, until %(period)s after "
    "your consent ends: what you agreed to, under which notice, and the days. It is without your "
    "name. With the secret number beside the consent in person.json you can show that it is yours, "
    "and nobody else can."
)
AFTER_ERASURE: Final = phrase(
    "If you ask us to erase everything, evidence of what you agreed to stays, until %(period)s "
    "after your consent ends: what it was, under which notice, and the days. It is without your "
    "name. With the secret number that you are given then you can show that it is yours, and "
    "nobody else can."
)
ERASED_NOW: Final = phrase(
    "Of what the person had agreed to, evidence stays, until %(period)s after the consent ended: "
    "what it was, under which notice, and the days. It is without a name, and for our officers "
    "alone. Whoever has the secret number of this request can show that it is theirs."
)


class KeptEvidence(NamedTuple):
    """For how long the version in force keeps evidence, from a consent's end; None: none is."""

    after_end: Period | None
    """Of a consent that leaves the register by its own end."""
    after_erasure: Period | None
    """Of one whose person is forgotten."""

    def said(self, words: Translation) -> Iterator[str]:
        """It in plain words, for the person."""
        for period, told in ((self.after_end, AFTER_END), (self.after_erasure, AFTER_ERASURE)):
            if period is not None:
                yield words.gettext(told, period=words.period(period))

    def lines(self) -> Iterator[str]:
        """It for whoever answers the person, at a terminal."""
        for period, when in (
            (self.after_end, "when the register lets go of them"),
            (self.after_erasure, "if the person is forgotten"),
        ):
            if period is not None:
                yield (
                    f"evidence of consents stays {when}, until {period} after they end, without a "
                    "name (`roadfade consent evidence`)"
                )

    def facts(self) -> dict[str, str | None]:
        """It for a program."""
        return {
            name: None if period is None else str(period) for name, period in self._asdict().items()
        }


def kept_evidence(plan: Plan) -> KeptEvidence:
    """What a version keeps while it is in force."""
    found = (evidence_period(event, [plan], plan.effective_ms) for event in (EVENT, ERASED))
    return KeptEvidence(*found)
