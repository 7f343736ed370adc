"""One purpose on one page: grounds, recipients, cells and forbids."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from policy.fields import (
    Because,
    Bilingual,
    CategoryId,
    Citations,
    DpvTerm,
    EpochWords,
    Forbid,
    Name,
    NoticeRef,
    OperationWords,
    PeriodWords,
    Promise,
    Strict,
    one_or_more,
)
from policy.plan import RecipientClass
from policy.words import Trigger


class Delivery(Strict):
    """How records leave: as a stream, gathered for ``release`` (``live``: at once)."""

    mode: Literal["stream"]
    release: str = "live"


class Ground(Strict):
    """The legal ground, and the notice under which people were told."""

    kind: Literal["published", "explicit", "statute", "location", "opt_in", "third_party"]
    notice: NoticeRef


class Identity(Strict):
    """Who the records seem to come from."""

    form: Literal["pseudonym"]
    of: Literal["link"]
    epoch: EpochWords


class Recipient(Strict):
    """Who receives."""

    id: Name
    recipient_class: Annotated[RecipientClass, Field(alias="class")]
    who: str
    countries: tuple[str, ...]


class KeepFor(Strict):
    """How long: a maximum, the event it counts from, and the cap of an event that may not come."""

    at_most: PeriodWords
    trigger: Annotated[Trigger, Field(alias="from")]
    cap: PeriodWords | None = None
    grain: Literal["minute", "hour", "day", "month"] | None = None
    because: Because


Operations = Annotated[tuple[OperationWords, ...], BeforeValidator(one_or_more)]


class Cell(Strict):
    """One purpose, one category: how fine, how treated, how long, on which ground."""

    to: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    basis: Ground | None = None
    precision: str
    do: dict[str, Operations] = Field(default_factory=dict)
    keep: Annotated[
        KeepFor, Field(examples=["{at_most: 24 months, from: reading, because: load profiles}"])
    ]
    cites: Citations


Cells = Annotated[tuple[Cell, ...], BeforeValidator(one_or_more), Field(min_length=1)]


class Approval(Strict):
    """Who decided a change, and when."""

    change: str
    decision: str
    by: str
    on: date


class Purpose(Strict):
    """purposes/<purpose>.yaml: one purpose on one page."""

    purpose: Name
    part_of: str | None = None
    title: Bilingual
    dpv: DpvTerm
    seed: str
    delivery: Delivery
    basis: Annotated[Ground, Field(examples=["{kind: published, notice: product_rnd@2}"])]
    identity: Annotated[Identity, Field(examples=["{form: pseudonym, of: link, epoch: 3 months}"])]
    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1)]
    cells: Annotated[dict[CategoryId, Cells], Field(min_length=1)]
    forbids: tuple[Forbid, ...] = ()
    transport: Promise | None = None
    approvals: tuple[Approval, ...] = ()
