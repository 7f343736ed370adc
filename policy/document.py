"""The document as people write it: a strict model per kind of file, and all files together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from policy.bilingual import Bilingual
from policy.fields import (
    CategoryId,
    Citations,
    DurationWords,
    Forbid,
    FrameWords,
    Name,
    NoticeRef,
    PolicyName,
    Promise,
    SpaceWords,
    Strict,
)
from policy.house import Analytics, Approval, Combine, Controller, JointUse, Scope
from policy.page import Purpose
from policy.places import Places
from policy.questions import Cases
from policy.sources import Authorities, Clauses, Profiles
from policy.terms import RecipientClass, Where

FACTS_EXAMPLE = "{email: {ja: メールアドレス, en: e-mail}}"
SCOPE_EXAMPLE = "{services: [connected_car], sources: [obd], subjects: [customer], cites: [S0]}"
ANALYTICS_EXAMPLE = (
    "{dpv: [dpv:ResearchAndDevelopment], never: [C03], at_least: 10, cites: [C2-13]}"
)


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
    scope: Annotated[Scope, Field(examples=[SCOPE_EXAMPLE])]
    profiles: dict[str, bool] = Field(default_factory=dict)
    raw: Annotated[Promise, Field(examples=["{topic_at_most: 24 hours, cites: [C1-04]}"])]
    ledger: Annotated[Promise, Field(examples=["{topic_at_most: 400 days, cites: [C1-05]}"])]
    transport: Annotated[Promise, Field(examples=["{topic_at_most: 7 days, cites: [C1-04]}"])]
    outside: Outside
    analytics: Annotated[Analytics, Field(examples=[ANALYTICS_EXAMPLE])]
    joint_use: JointUse | None = None
    combine: tuple[Combine, ...] = ()
    forbids: tuple[Forbid, ...] = ()
    approvals: tuple[Approval, ...] = ()


class Category(Strict):
    """A kind of data. Signals, facts and frames are named here and nowhere else.

    Signals are told by path or by ``pids`` (the catalogue's OBD command names); facts are
    what people tell about themselves, each with its name for people; frames are raw CAN, as
    ``can0 0x7E8``.
    """

    title: Bilingual
    signals: tuple[str, ...] = ()
    pids: tuple[str, ...] = ()
    facts: Annotated[dict[Name, Bilingual], Field(examples=[FACTS_EXAMPLE])] = Field(
        default_factory=dict
    )
    frames: tuple[FrameWords, ...] = ()
    position_like: tuple[str, ...] = ()
    """Signals here from which a way can be read back beside a coarse position."""


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
    authorities: Sheet[Authorities]
    clauses: Sheet[Clauses]
    profiles: Sheet[Profiles]
    categories: Sheet[Categories]
    precisions: Sheet[Precisions]
    purposes: tuple[Sheet[Purpose], ...]
    notices: Mapping[str, Sheet[Notice]]
    cases: Mapping[str, Sheet[Cases]]
    """By purpose id, which is the file's stem."""

    @property
    def pages(self) -> dict[str, Purpose]:
        """What each purpose's page says, by purpose id, in the document's order."""
        return {sheet.content.purpose: sheet.content for sheet in self.purposes}

    def page(self, purpose: str) -> Purpose:
        """What the page of one purpose says; KeyError if there is no such purpose."""
        return self.pages[purpose]
