"""The kinds of field a document has: names, citations, words that become values.

Every model is strict: unknown keys are refused. A field's first example is shown as the
remedy where the field is missing.
"""

from typing import Annotated

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


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
CategoryId = Annotated[str, Field(pattern=r"^C[0-9]{2}$")]
Citation = Annotated[str, Field(min_length=1, max_length=80)]
Citations = Annotated[tuple[Citation, ...], Field(min_length=1, examples=["[C2-08, APPI-22]"])]
Because = Annotated[str, Field(min_length=3, max_length=400, examples=["seasonal battery ageing"])]
NoticeRef = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}@[1-9][0-9]{0,3}$")]
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
