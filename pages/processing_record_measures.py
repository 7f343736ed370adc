"""The technical measures that a plan itself shows (GDPR Art. 30(1)(g), APPI Art. 23)."""

from typing import Final

from pages.words.phrases import duration_words
from pages.words.titles import Titles
from pages.words.translation import Translation, phrase
from policy.plan.plan import Output, Plan
from policy.vocabulary.terms import Epoch, Period

_APART: Final = (
    phrase("one principal reads one purpose"),
    phrase("the store of what streams deletes each record by its own expiry"),
)


def measures(plan: Plan, titles: Titles) -> list[str]:
    """Each as one sentence, with the pseudonyms of every recipient."""
    shared = shared_measures(plan, titles.words)
    return [*shared, *(_pseudonyms(output, titles) for output in plan.outputs)]


def shared_measures(plan: Plan, words: Translation) -> list[str]:
    """Those that hold for every recipient."""
    raw = duration_words(plan.raw.bound_ms, words)
    found = [
        words.gettext(
            "what devices report is deleted from the broker within %(duration)s", duration=raw
        )
    ]
    bounds = [output.transport.bound_ms for output in plan.outputs]
    if bounds:
        longest = duration_words(max(bounds), words)
        found.append(
            words.gettext(
                "records of purposes are deleted from it within %(duration)s", duration=longest
            )
        )
        found.append(
            words.gettext(
                "what streams from the car carries pseudonyms of each recipient's own, which change"
            )
        )
    return [*found, *map(words.gettext, _APART)]


def _pseudonyms(output: Output, titles: Titles) -> str:
    purpose, who = titles.purpose(output.purpose), titles.who(output.purpose, output.recipient)
    return titles.words.gettext(
        "%(who)s: pseudonyms keyed for this recipient alone, changed every %(period)s",
        who=titles.words.listed([purpose, who]),
        period=titles.words.period(_period(output.epoch)),
    )


def _period(epoch: Epoch) -> Period:
    return Period(epoch.months, "months") if epoch.months else Period(epoch.days, "days")
