"""Why something is withheld or not admitted, in words for people."""

from collections.abc import Mapping
from typing import Final

from pages.words.translation import Translation, phrase
from telemetry.outcome import Rejected, Withheld

_REASONS: Final[Mapping[str, str]] = {
    Withheld.NOT_COLLECTED: phrase("no purpose collects it"),
    Withheld.NOT_IN_PURPOSE: phrase("not needed for this purpose"),
    Withheld.SUSPENDED: phrase("the purpose is suspended"),
    Withheld.NO_LINK: phrase("nobody is linked to the device"),
    Withheld.NO_CONSENT: phrase("no consent"),
    Withheld.OBJECTED: phrase("the person objected"),
    Withheld.ERASED: phrase("erased"),
    Withheld.FORBIDDEN: phrase("forbidden by the policy"),
    Withheld.ENDED: phrase("it has ended"),
    Withheld.DROPPED: phrase("left out on purpose"),
    Withheld.UNSUPPORTED: phrase("its treatment is not carried out yet"),
    Withheld.TOO_LATE: phrase("arrived too late to be kept"),
    Withheld.UNPAIRED: phrase("half of a position"),
    Withheld.OFF_GRID: phrase("outside the grid"),
    Withheld.TRIP_END: phrase("cut off at the ends of the trip"),
    Withheld.NOT_REBUILT: phrase("left out, as it is not known which readings came before it"),
    Withheld.THINNED: phrase("thinned out"),
    Withheld.AGGREGATED: phrase("told only in counts"),
    Withheld.OVERSIZED_OUTPUT: phrase("record too large"),
    Rejected.NO_PAYLOAD: phrase("nothing in it"),
    Rejected.OVERSIZED: phrase("envelope too large"),
    Rejected.UNSEALED: phrase("not sealed"),
    Rejected.KEY_DESTROYED: phrase("sealed under a key that is destroyed"),
    Rejected.UNOPENABLE: phrase("sealed, and damaged"),
    Rejected.MALFORMED: phrase("not an envelope"),
    Rejected.UNKNOWN_VERSION: phrase("unknown version of the envelope"),
    Rejected.UNKNOWN_FIELD: phrase("a field no envelope has"),
    Rejected.TOO_MANY_READINGS: phrase("too many readings"),
    Rejected.NO_READINGS: phrase("no reading in it"),
    Rejected.OUT_OF_SCOPE: phrase("of a source or service that the policy does not list"),
    Rejected.UNKNOWN_DEVICE: phrase("unknown device"),
    Rejected.BEFORE_REGISTRATION: phrase("before the device was registered"),
    Rejected.FROM_THE_FUTURE: phrase("dated in the future"),
    Rejected.UNKNOWN_SIGNAL: phrase("unknown signal"),
    Rejected.WRONG_UNIT: phrase("wrong unit"),
    Rejected.WRONG_TYPE: phrase("wrong kind of value"),
    Rejected.OUT_OF_RANGE: phrase("out of range"),
    Rejected.NO_FIX: phrase("a position of 0/0"),
    Rejected.COLUMN_MISMATCH: phrase("times and values differ in number"),
}


def reason_words(reason: str, words: Translation) -> str:
    """The reason, a value of ``Withheld`` or of ``Rejected``, in words."""
    return words.gettext(_REASONS[reason])
