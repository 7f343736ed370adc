"""The document as people write it: a strict model per kind of file, and all files together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from policy.fields import (
    Bilingual,
    CategoryId,
    Citations,
    DurationWords,
    Expectation,
    Forbid,
    NoticeRef,
    OperationWords,
    PeriodWords,
    PolicyName,
    Promise,
    SpaceWords,
    Strict,
)
from policy.page import Purpose
from policy.places import Places
from policy.plan import RecipientClass, Where


class Controller(Strict):
    """Who answers for the data."""

    name: str
    address: str
    representative: str
    contact: str


class Outside(Strict):
    """How fine a position may leave the house: the precision that is the finest allowed."""

    to: Annotated[tuple[RecipientClass, ...], Field(min_length=1)]
    location_at_least: str
    cites: Citations


class Policy(Strict):
    """policy.yaml: whose policy this is, since when, and what holds for every purpose."""

    policy: PolicyName
    version: Annotated[int, Field(ge=1, le=9999)]
    effective: Annotated[date, Field(examples=["2026-12-01"])]
    supersedes: int | None = None
    controller: Controller
    profiles: dict[str, bool] = Field(default_factory=dict)
    raw: Annotated[Promise, Field(examples=["{topic_at_most: 24 hours, cites: [C1-04]}"])]
    ledger: Annotated[Promise, Field(examples=["{topic_at_most: 400 days, cites: [C1-05]}"])]
    transport: Annotated[Promise, Field(examples=["{topic_at_most: 7 days, cites: [C1-04]}"])]
    outside: Outside
    forbids: tuple[Forbid, ...] = ()


class Category(Strict):
    """A kind of data. Signals, facts and frames are named here and nowhere else."""

    title: Bilingual
    signals: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


class Categories(Strict):
    """categories.yaml."""

    categories: dict[CategoryId, Category]


class Precision(Strict):
    """How fine place and time may be."""

    space: SpaceWords
    time: DurationWords


class Precisions(Strict):
    """precision.yaml."""

    precisions: dict[str, Precision]


class Notice(Strict):
    """notices/<notice>.yaml: what people are told, from when."""

    notice: NoticeRef
    effective: Annotated[date, Field(examples=["2026-11-01"])]
    text: Bilingual


class Case(Strict):
    """One question to the policy, and the answer it must give."""

    signal: str
    to: str
    consent: Literal["given", "withdrawn", "none", "expired"] = "none"
    age: PeriodWords | None = None
    expect: Expectation
    keep: PeriodWords | None = None
    treated: tuple[OperationWords, ...] | None = None
    value: float | int | None = None
    becomes: float | int | None = None


class Cases(Strict):
    """cases/<purpose>.yaml."""

    cases: Annotated[tuple[Case, ...], Field(min_length=1)]


Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Content]):
    """One file of the document: what it says, and where."""

    file: str
    content: Content
    places: Places = field(compare=False, repr=False)

    def where(self, *path: Any) -> Where:
        """The place of the value at this path of keys and indexes, or of the nearest one above."""
        return self.places.where(self.file, path)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole policy document, well formed but not yet compiled."""

    policy: Sheet[Policy]
    categories: Sheet[Categories]
    precisions: Sheet[Precisions]
    purposes: tuple[Sheet[Purpose], ...]
    notices: Mapping[str, Sheet[Notice]]
    cases: Mapping[str, Sheet[Cases]]
    """By purpose id, which is the file's stem."""
