"""What would change a decision: the alternatives an explanation names."""

from collections.abc import Mapping
from typing import Final

from policy.explain.question import Applied, Consent, Question
from policy.vocabulary.terms import BasisKind
from telemetry.outcome import Withheld

RESUMED: Final = "the purpose is suspended: it opens when a version says so no longer"
OPENS: Final[Mapping[Withheld, str | None]] = {
    Withheld.NOT_COLLECTED: "a cell of some purpose would have to select this signal",
    Withheld.NOT_IN_PURPOSE: "a cell of this purpose would have to select it for this recipient",
    Withheld.SUSPENDED: RESUMED,
    Withheld.FORBIDDEN: "a forbid decides: no permit can open it while the forbid is in force",
    Withheld.ENDED: "it has ended: a later end would have to be agreed and published",
    Withheld.DROPPED: "the cell drops it: the cell would need another operation",
    Withheld.UNSUPPORTED: "the signal leaves when Roadfade carries out the operation, not before",
    Withheld.TOO_LATE: "an earlier arrival, or a shorter stay on the topic",
    Withheld.OBJECTED: "the person objects: what comes once the objection is lifted leaves again",
    Withheld.ERASED: "the person had it erased, or its key is destroyed: nothing opens it again",
    Withheld.NO_CONSENT: None,
    Withheld.NOT_REBUILT: None,
    Withheld.AGGREGATED: None,
    Withheld.NO_LINK: None,
    Withheld.UNPAIRED: None,
    Withheld.OFF_GRID: None,
    Withheld.TRIP_END: None,
    Withheld.THINNED: None,
    Withheld.OVERSIZED_OUTPUT: None,
}
"""What would open a signal withheld so; None: its rule gives the answer, or no policy would."""


def alternatives(
    reason: Withheld | None, applied: tuple[Applied, ...], question: Question
) -> tuple[str, ...]:
    """Sentences: what would open a withheld signal, what would close a delivered one."""
    suspended = any(one.reason is Withheld.SUSPENDED for one in applied)
    # Of a signal that suspended purposes alone select, that is why none collects it.
    opens = RESUMED if suspended else None if reason is None else OPENS[reason]
    found = [] if opens is None else [opens]
    for one in applied:
        if one.reason is Withheld.NO_CONSENT:
            consent = f"a {one.basis} consent under {one.notice}"
            found.append(f"{consent}, given before the reading and not withdrawn")
        elif _rests_on_consent(one) and question.consent is Consent.GIVEN:
            found.append(f"withdrawing the consent under {one.notice} withholds it")
        if one.reason is None and one.not_for:
            found.append(
                f"for people in one of these roles it is forbidden: {', '.join(one.not_for)}"
            )
    return tuple(dict.fromkeys(found))


def _rests_on_consent(one: Applied) -> bool:
    return one.reason is None and BasisKind(one.basis).needs_consent
