"""The kinds of field a document has: names, citations, words that become values.

Every model is strict: unknown keys are refused. A field's first example is shown as the
remedy where the field is missing.
"""

from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from policy import operation_words, words
from policy.operation_words import Spoken
from policy.plan import Epoch, Period
from policy.words import Space
from telemetry.outcome import Withheld


class Strict(BaseModel):
    """No unknown key, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def one_or_more(value: object) -> object:
    """A list as it is, anything else as a list of one."""
    return value if isinstance(value, tuple) else (value,)


def _expectation(value: object) -> tuple[str, Withheld | None]:
    said = words.text(value)
    if said == "deliver":
        return "deliver", None
    head, _, reason = said.partition(" ")
    if head == "withhold" and reason in list(Withheld):
        return head, Withheld(reason)
    message = "not an outcome"
    remedy = f"write `deliver`, or `withhold` and one of: {', '.join(Withheld)}"
    raise words.WordError(message, remedy)


_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_POLICY_NAME = r"^[a-z][a-z0-9-]{0,59}$"
_CATEGORY = r"^C[0-9]{2}$"
_NOTICE = r"^[a-z][a-z0-9_]{0,59}@[1-9][0-9]{0,3}$"
_DPV = r"^dpv:[A-Za-z]+$"

PATTERNS: Final = {
    _NAME: "small letters, digits and _, as `product_rnd`",
    _POLICY_NAME: "small letters, digits and -, as `connected-car-jp`",
    _CATEGORY: "C and two digits, as `C07`",
    _NOTICE: "a name, @ and a version, as `product_rnd@2`",
    _DPV: "a term of the W3C Data Privacy Vocabulary, as `dpv:ServiceProvision`",
}
"""What each pattern means, in words."""

Name = Annotated[str, Field(pattern=_NAME)]
CategoryId = Annotated[str, Field(pattern=_CATEGORY)]
Citation = Annotated[str, Field(min_length=1, max_length=80)]
Citations = Annotated[tuple[Citation, ...], Field(min_length=1, examples=["[C2-08, APPI-22]"])]
PolicyName = Annotated[str, Field(pattern=_POLICY_NAME)]
DpvTerm = Annotated[str, Field(pattern=_DPV, examples=["dpv:ServiceProvision"])]
Because = Annotated[str, Field(min_length=3, max_length=400, examples=["seasonal battery ageing"])]
NoticeRef = Annotated[str, Field(pattern=_NOTICE)]
PeriodWords = Annotated[Period, PlainValidator(words.period), Field(examples=["24 months"])]
DurationWords = Annotated[int, PlainValidator(words.duration_ms), Field(examples=["10 min"])]
SpaceWords = Annotated[Space, PlainValidator(words.space), Field(examples=["jis-mesh 500 m"])]
EpochWords = Annotated[Epoch, PlainValidator(words.epoch), Field(examples=["3 months"])]
OperationWords = Annotated[Spoken, PlainValidator(operation_words.operation)]
Expectation = Annotated[
    tuple[str, Withheld | None], PlainValidator(_expectation), Field(examples=["deliver"])
]


class Bilingual(Strict):
    """One text in Japanese and in English."""

    ja: Annotated[str, Field(min_length=1, max_length=4000)]
    en: Annotated[str, Field(min_length=1, max_length=4000)]


class Promise(Strict):
    """How long a byte may stay on a topic."""

    topic_at_most: PeriodWords
    because: Because | None = None
    cites: Citations


class Forbid(Strict):
    """Beats every permit. Names recipients, categories or signals; all that are named must fit."""

    to: tuple[str, ...] = ()
    category: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = ()
    signal: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = ()
    because: Because
    cites: Citations
