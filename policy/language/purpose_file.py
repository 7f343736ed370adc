"""One purpose on one page: grounds, recipients, cells and forbids."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from policy.language.fields import (
    Because,
    CategoryId,
    Citations,
    Country,
    Day,
    DpvTerm,
    EpochWords,
    Forbid,
    Name,
    NoticeRef,
    OperationWords,
    PeriodWords,
    Promise,
    ReleaseWords,
    Strict,
    one_or_more,
)
from policy.language.policy_file import Approval, Unlinkable
from policy.vocabulary.bilingual import Bilingual, Reason
from policy.vocabulary.terms import DeliveryMode, OnWithdrawal, RecipientClass
from policy.vocabulary.words import Trigger


class Delivery(Strict):
    """How a cell's items leave.

    ``stream``: a topic, gathered for ``release`` (``live``: at once; ``because`` gives the
    reason if times are coarse). ``aggregate``: counts of ``at_least`` people over ``window``.
    ``on_request``: only within what it ``needs``. ``records``: the office's own, no topic.
    """

    mode: Annotated[DeliveryMode, Field(examples=["stream"])]
    release: ReleaseWords = "live"
    because: Because | None = None
    at_least: Annotated[int, Field(ge=2, le=100_000)] | None = None
    window: PeriodWords | None = None
    needs: Literal["case", "audit", "order", "warrant", "consent"] | None = None


class LegalBasis(Strict):
    """The legal ground, and the notice that informed people of it."""

    kind: Literal["published", "explicit", "statute", "location", "opt_in", "third_party"]
    notice: Annotated[NoticeRef, Field(examples=["product_rnd@2"])]


class Identity(Strict):
    """What the records identify: a pseudonym, the person, or nothing."""

    form: Literal["pseudonym", "named", "none"]
    of: Literal["link"] | None = None
    epoch: EpochWords | None = None


class Transfer(Strict):
    """On what ground a recipient abroad may receive (APPI Art. 28)."""

    route: Literal["consent", "designated", "equivalent"]
    because: Because


class Recipient(Strict):
    """Who receives."""

    id: Name
    recipient_class: Annotated[RecipientClass, Field(alias="class")]
    who: Annotated[Bilingual, Field(examples=["{ja: 研究チーム, en: the research team}"])]
    countries: Annotated[tuple[Country, ...], Field(min_length=1, examples=["[JP]"])]
    transfer: Transfer | None = None
    until: Day | None = None
    """The day from whose beginning nothing is passed to it."""


KEEP_EXAMPLE: Final = (
    "{at_most: 24 months, from: reading, because: {ja: 季節を比べるため, en: seasons are compared}}"
)


class KeepFor(Strict):
    """How long: a maximum, the event it counts from, and what holds if the event does not come.

    ``at_least`` is a statutory minimum: no event ends a life before. ``cap`` ends it without the
    event; ``review_on`` is the day on which people look whether it is still needed.
    """

    at_most: PeriodWords
    at_least: PeriodWords | None = None
    trigger: Annotated[Trigger, Field(alias="from")]
    cap: PeriodWords | None = None
    review_on: Day | None = None
    grain: Literal["minute", "hour", "day", "month"] | None = None
    because: Reason


Operations = Annotated[
    tuple[OperationWords, ...],
    BeforeValidator(
        one_or_more, json_schema_input_type=OperationWords | tuple[OperationWords, ...]
    ),
]


class Cell(Strict):
    """One purpose, one category: how fine, how treated, how long, on which ground."""

    to: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    basis: LegalBasis | None = None
    delivery: Delivery | None = None
    precision: str = ""
    """Empty if the cell holds facts alone."""
    do: dict[str, Operations] = Field(default_factory=dict)
    until: Day | None = None
    """The day from whose beginning nothing of it is passed to anyone."""
    keep: Annotated[KeepFor, Field(examples=[KEEP_EXAMPLE])]
    on_withdrawal: OnWithdrawal | None = None
    """Of a cell that rests on a consent: whether a withdrawal also removes what was recorded
    before it. None: ``keep_before``."""
    unlinkable: Unlinkable | None = None
    cites: Citations


Cells = Annotated[
    tuple[Cell, ...],
    BeforeValidator(one_or_more, json_schema_input_type=Cell | tuple[Cell, ...]),
    Field(min_length=1),
]


class Purpose(Strict):
    """purposes/<purpose>.yaml: one purpose on one page."""

    purpose: Name
    part_of: str | None = None
    title: Bilingual
    dpv: DpvTerm
    seed: str
    gdpr: Annotated[str, Field(examples=["6(1)(f)"])] | None = None
    suspended: bool = False
    """While it is, nothing new is taken in for the purpose; what lies there keeps its end."""
    delivery: Delivery
    basis: Annotated[LegalBasis, Field(examples=["{kind: published, notice: product_rnd@2}"])]
    identity: Annotated[Identity, Field(examples=["{form: pseudonym, of: link, epoch: 3 months}"])]
    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1)]
    cells: Annotated[dict[CategoryId, Cells], Field(min_length=1)]
    forbids: tuple[Forbid, ...] = ()
    transport: Promise | None = None
    approvals: tuple[Approval, ...] = ()
