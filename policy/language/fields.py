"""The kinds of field a document has: names, citations, words that become values.

Every model is strict: unknown keys are refused. A field's first example is shown as the
remedy if the field is missing.
"""

from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
)

from policy.vocabulary import operation_words, words
from policy.vocabulary.dpv_terms import TERMS, dpv_term
from policy.vocabulary.operation_words import Spoken
from policy.vocabulary.terms import Epoch, Period
from policy.vocabulary.words import Space
from telemetry.outcome import Withheld
from telemetry.wire.control import Role


class Strict(BaseModel):
    """No unknown key, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def one_or_more(value: object) -> object:
    """A list as it is, anything else as a list of one."""
    return value if isinstance(value, tuple) else (value,)


PLAIN_EXPECTATIONS: Final = ("deliver", "on_request", "forbidden", "open")
"""Answers to cases beside ``withhold`` and its reason."""


def _release(value: object) -> str:
    words.release_ms(value)
    return words.text(value)


def _expectation(value: object) -> tuple[str, Withheld | None]:
    said = words.text(value)
    if said in PLAIN_EXPECTATIONS:
        return said, None
    head, _, reason = said.partition(" ")
    if head == "withhold" and reason in list(Withheld):
        return head, Withheld(reason)
    message = "not an outcome"
    plain = ", ".join(f"`{word}`" for word in PLAIN_EXPECTATIONS)
    remedy = f"write {plain}, or `withhold` and one of: {', '.join(Withheld)}"
    raise words.WordError(message, remedy)


_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_POLICY_NAME = r"^[a-z][a-z0-9-]{0,59}$"
_CATEGORY = r"^C[0-9]{2}$"
_NOTICE = r"^[a-z][a-z0-9_]{0,59}@[1-9][0-9]{0,3}$"
_TEST = r"^tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+$"
_DPV = r"^dpv:[A-Za-z]+$"
_FRAME = r"^[a-z][a-z0-9]{0,15} 0x[0-9A-F]{3,8}( mux [0-9]{1,3})?$"
_COUNTRY = r"^[A-Z]{2}$"

PATTERNS: Final = {
    _NAME: "small letters, digits and _, as `product_rnd`",
    _POLICY_NAME: "small letters, digits and -, as `connected-car-jp`",
    _CATEGORY: "C and two digits, as `C07`",
    _NOTICE: "a name, @ and a version, as `product_rnd@2`",
    _FRAME: "a bus, an identifier and, if needed, a multiplexer, as `can0 0x7E8 mux 2`",
    _TEST: "a test of the program, as `tests/policy/test_shipped.py::test_its_cases_hold`",
    _COUNTRY: "two capital letters (ISO 3166), as `JP`",
    _DPV: "a term of the W3C Data Privacy Vocabulary, as `dpv:ServiceProvision`",
}
"""What each pattern means, in words."""

Name = Annotated[str, Field(pattern=_NAME)]
CategoryId = Annotated[str, Field(pattern=_CATEGORY)]
Citation = Annotated[str, Field(min_length=1, max_length=80)]
Citations = Annotated[tuple[Citation, ...], Field(min_length=1, examples=["[C2-08, APPI-22]"])]
PolicyName = Annotated[str, Field(pattern=_POLICY_NAME)]
DpvTerm = Annotated[
    str,
    Field(pattern=_DPV, examples=["dpv:ServiceProvision"], json_schema_extra={"enum": [*TERMS]}),
    AfterValidator(dpv_term),
]
Because = Annotated[str, Field(min_length=3, max_length=400, examples=["seasonal battery ageing"])]
FrameWords = Annotated[str, Field(pattern=_FRAME)]
Country = Annotated[str, Field(pattern=_COUNTRY)]
TestName = Annotated[str, Field(pattern=_TEST, max_length=200)]
NoticeRef = Annotated[str, Field(pattern=_NOTICE)]
Period_ = Annotated[str, Field(pattern=r"^[0-9]{1,6} (minute|hour|day|month|year)s?$")]
Duration_ = Annotated[str, Field(pattern=r"^[0-9]{1,6} (ms|s|min|h|day|days)$")]
"""The words' form for editors; words.py gives their meaning, and better messages."""
PeriodWords = Annotated[
    Period,
    PlainValidator(words.period, json_schema_input_type=Period_),
    PlainSerializer(str),
    Field(examples=["24 months"]),
]
DurationWords = Annotated[
    int,
    PlainValidator(words.duration_ms, json_schema_input_type=Duration_),
    PlainSerializer(words.format_duration, return_type=str),
    Field(examples=["10 min"]),
]
SpaceWords = Annotated[
    Space,
    PlainValidator(words.space, json_schema_input_type=str),
    PlainSerializer(words.format_space, return_type=str),
    Field(examples=["jis-mesh 500 m"]),
]
EpochWords = Annotated[
    Epoch,
    PlainValidator(words.epoch, json_schema_input_type=Period_),
    PlainSerializer(str),
    Field(examples=["3 months"]),
]
ReleaseWords = Annotated[
    str, PlainValidator(_release, json_schema_input_type=str), Field(examples=["10 min"])
]
OperationWords = Annotated[
    Spoken,
    PlainValidator(operation_words.operation, json_schema_input_type=str),
    PlainSerializer(lambda spoken: spoken.words, return_type=str),
]
Expectation = Annotated[
    tuple[str, Withheld | None],
    PlainValidator(_expectation, json_schema_input_type=str),
    PlainSerializer(lambda said: " ".join(filter(None, said)), return_type=str),
    Field(examples=["deliver"]),
]
NAMES_OR_ONE = BeforeValidator(one_or_more, json_schema_input_type=str | tuple[str, ...])
"""A list of names, or one name by itself."""


class Promise(Strict):
    """How long a byte may stay on a topic."""

    topic_at_most: PeriodWords
    because: Because | None = None
    cites: Citations


class When(Strict):
    """The people a forbid is for, if it is not for everyone."""

    role: Annotated[
        tuple[Role, ...],
        BeforeValidator(one_or_more, json_schema_input_type=Role | tuple[Role, ...]),
        Field(min_length=1),
    ]


class Forbid(Strict):
    """Beats every permit. All that it names must match: recipients, categories, signals, people.

    With ``join`` it forbids joining the purpose's records with those categories. One that
    holds for the whole company may leave purposes out (``except``).
    """

    to: tuple[str, ...] = ()
    category: Annotated[tuple[str, ...], NAMES_OR_ONE] = ()
    signal: Annotated[tuple[str, ...], NAMES_OR_ONE] = ()
    join: Annotated[tuple[str, ...], NAMES_OR_ONE] = ()
    when: When | None = None
    exempt: Annotated[tuple[Name, ...], Field(alias="except")] = ()
    because: Because
    cites: Citations
