"""What would change a decision: the alternatives an explanation names."""

from typing import Final

from policy.explanation import Applied, Consent, Question
from telemetry.outcome import Withheld

_ADVICE: Final = {
    Withheld.NOT_COLLECTED: "a cell of some purpose would have to take this signal",
    Withheld.NOT_IN_PURPOSE: "a cell of this purpose would have to take it for this recipient",
    Withheld.FORBIDDEN: "a forbid decides: no permit can open it while the forbid stands",
    Withheld.DROPPED: "the cell drops it: another operation would have to stand there",
    Withheld.UNSUPPORTED: "it opens when the operation is carried out, not before",
    Withheld.TOO_LATE: "an earlier arrival, or a shorter stay on the topic",
}


def alternatives(
    reason: Withheld | None, applied: tuple[Applied, ...], question: Question
) -> tuple[str, ...]:
    """Sentences: what would open a withheld signal, what would close a delivered one."""
    found = [] if reason is None or reason not in _ADVICE else [_ADVICE[reason]]
    for one in applied:
        if one.reason is Withheld.NO_CONSENT:
            consent = f"a {one.basis} consent under {one.notice}"
            found.append(f"{consent}, given before the reading and still standing")
        elif one.reason is None and question.consent is Consent.GIVEN and _needs_consent(one):
            found.append(f"withdrawing the consent under {one.notice} withholds it")
        if one.reason is None and one.not_for:
            found.append(
                f"for people in one of these roles it is forbidden: {', '.join(one.not_for)}"
            )
    return tuple(dict.fromkeys(found))


def _needs_consent(one: Applied) -> bool:
    return one.basis in ("location", "opt_in", "third_party")
