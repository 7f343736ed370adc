"""What holds for the whole company: scope, analytics, joint use, combined purposes."""

from datetime import date
from typing import Annotated

from pydantic import Field

from policy.language.fields import (
    Because,
    CategoryId,
    Citations,
    Day,
    DpvTerm,
    Forbid,
    Name,
    NoticeRef,
    PolicyName,
    Promise,
    Strict,
    ZoneWords,
)
from policy.language.public_information import PublicInformation
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.terms import RecipientClass
from telemetry.instants import day_start_ms

Names = Annotated[tuple[Name, ...], Field(min_length=1)]


UNSTATED_EXAMPLE = (
    "{service: connected_car, source: obd, because: sent before sources were named, cites: [S0]}"
)


class Controller(Strict):
    """Who is responsible for the data."""

    name: Bilingual
    address: Bilingual
    representative: Bilingual
    contact: str


class Unstated(Strict):
    """As what counts a registration without a service, or an envelope without a source.

    What is absent here stays unknown, and is not admitted.
    """

    service: Name | None = None
    source: Name | None = None
    because: Because
    cites: Citations


class Scope(Strict):
    """What the policy is about; all else is not admitted."""

    services: Names
    sources: Names
    subjects: Names
    unstated: Annotated[Unstated | None, Field(examples=[UNSTATED_EXAMPLE])] = None
    cites: Citations


class Analytics(Strict):
    """Which purposes count as analytics, and what never enters them."""

    dpv: Annotated[tuple[DpvTerm, ...], Field(min_length=1)]
    never: Annotated[tuple[CategoryId, ...], Field(min_length=1)]
    at_least: Annotated[int, Field(ge=2, le=100_000)]
    """The smallest group, in people, that any aggregate may show."""
    cites: Citations


class Manager(Strict):
    """Who is responsible for joint use (APPI Art. 27(5)(iii))."""

    name: Bilingual
    address: Bilingual
    representative: Bilingual


class JointUser(Strict):
    """A company that uses data jointly: since when, and where it is.

    A recipient's page has its name, and the day on which its part ends.
    """

    recipient: Name
    since: Day
    address: Bilingual
    representative: Bilingual


class JointUse(Strict):
    """The published terms of joint use: a closed list, or it does not compile."""

    items: Annotated[tuple[str, ...], Field(min_length=1)]
    """Facts, or categories of telemetry, by name."""
    purposes: Names
    users: tuple[JointUser, ...] = ()
    manager: Manager
    notice: NoticeRef
    cites: Citations


class Combine(Strict):
    """Purposes that one session may hold together; every other pair is apart."""

    purposes: Annotated[tuple[Name, ...], Field(min_length=2)]
    because: Because
    cites: Citations


class Approval(Strict):
    """Who decided a change, and when."""

    change: str
    decision: str
    by: str
    on: Day


class Unlinkable(Strict):
    """The measurement without which no cell may be called unlinkable."""

    linked_percent: Annotated[float, Field(ge=0, le=100)]
    """Share of vehicles an attacker found again, measured on the release."""
    measured: Day
    how: Because


SCOPE_EXAMPLE = "{services: [connected_car], sources: [obd], subjects: [customer], cites: [S0]}"


ANALYTICS_EXAMPLE = (
    "{dpv: [dpv:ResearchAndDevelopment], never: [C03], at_least: 10, cites: [C2-13]}"
)


class Outside(Strict):
    """How fine a position may leave the company: the precision that is the finest allowed."""

    to: Annotated[tuple[RecipientClass, ...], Field(min_length=1)]
    location_at_least: str
    cites: Citations


class Policy(Strict):
    """policy.yaml: whose policy this is, since when, and what holds for every purpose."""

    policy: PolicyName
    version: Annotated[int, Field(ge=1, le=9999)]
    effective: Annotated[Day, Field(examples=["2026-12-01"])]
    zone: ZoneWords
    """Where every day that the document names begins; none is assumed."""
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
    public_information: PublicInformation | None = None
    combine: tuple[Combine, ...] = ()
    forbids: tuple[Forbid, ...] = ()
    approvals: tuple[Approval, ...] = ()

    def day_start_ms(self, day: date) -> int:
        """When a day that the document names begins: at midnight in its zone."""
        return day_start_ms(day, self.zone)
