"""The policy's own terms in words for the people it is about."""

from collections.abc import Mapping
from datetime import date
from typing import Final, assert_never

from pages.words.translation import Translation, phrase
from policy.plan.cells import PlanRetention
from policy.vocabulary.capabilities import Capability, State, of_trigger
from policy.vocabulary.operations import MeshH3, MeshJis, Unsupported
from policy.vocabulary.terms import BasisKind, DeliveryMode, PeriodUnit
from policy.vocabulary.words import Exact, Space
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from telemetry.wire.control import Role

GROUNDS: Final[Mapping[BasisKind, str]] = {
    BasisKind.PUBLISHED: phrase("the published purpose"),
    BasisKind.EXPLICIT: phrase("told to you when you signed up"),
    BasisKind.STATUTE: phrase("required or allowed by law"),
    BasisKind.LOCATION: phrase("your consent to location"),
    BasisKind.OPT_IN: phrase("your consent"),
    BasisKind.THIRD_PARTY: phrase("your consent to this recipient"),
}
CLASSES: Final[Mapping[str, str]] = {
    "subject": phrase("you"),
    "internal": phrase("within our company"),
    "processor": phrase("works for us under contract"),
    "joint_user": phrase("joint use in our group"),
    "third_party": phrase("another company"),
    "successor": phrase("successor of our business"),
    "authority": phrase("public authority"),
    "consumer_reporting": phrase("credit and insurance scoring"),
}
"""By ``policy.vocabulary.terms.RecipientClass``."""
RECEIVERS: Final[Mapping[str, str]] = {
    "subject": phrase("the person concerned"),
    "internal": phrase("our own company"),
    "processor": phrase("companies that work for us"),
    "joint_user": phrase("companies of our group"),
    "third_party": phrase("other companies"),
    "successor": phrase("whoever takes over our business"),
    "authority": phrase("public authorities"),
    "consumer_reporting": phrase("agencies for credit and insurance scoring"),
}
"""The same as somebody who receives, or never does."""
TRIGGERS: Final[Mapping[str, str]] = {
    "reading": phrase("after it was recorded"),
    "ingest": phrase("after we received it"),
    "trip_end": phrase("after the trip"),
    "contract_end": phrase("after your contract ends"),
    "link_end": phrase("after the device is no longer linked to you"),
    "device_retired": phrase("after the device is retired"),
    "opt_out": phrase("after you say stop"),
    "last_message": phrase("after the last message to you"),
    "request_close": phrase("after your request is closed"),
    "campaign_end": phrase("after the campaign"),
    "report": phrase("after the report"),
    "hand_over": phrase("after it is handed over"),
    "study_end": phrase("after the study ends"),
    "enrolment_end": phrase("after you leave the service"),
    "filing_date": phrase("after the tax return is filed"),
    "filing_due": phrase("after the tax return is due"),
    "provision_end": phrase("after we stop passing it on"),
    "consent_end": phrase("after your consent ends"),
    "consent_erased": phrase("after your consent ends, even if you asked us to forget you"),
}
"""By ``policy.vocabulary.words.Trigger``; a compiled cell has it as text."""
ROLE_PHRASES: Final[Mapping[Role, str]] = {
    "contract_holder": phrase("holders of a contract"),
    "owner": phrase("owners"),
    "minor": phrase("people under 16 (and teenagers of unconfirmed age)"),
    "youth": phrase("people of 16 or 17"),
    "passenger": phrase("passengers"),
    "driver": phrase("drivers"),
    "employee": phrase("employees who drive for work"),
    "prior_owner": phrase("earlier owners"),
    "business_contact": phrase("contact persons of partners"),
    "unknown": phrase("drives whose driver nobody confirmed"),
}
DELIVERIES: Final[Mapping[DeliveryMode, str | None]] = {
    "stream": None,
    "aggregate": phrase("only as figures about groups"),
    "on_request": phrase("only when a case is opened for it"),
    "records": phrase("in our office's own records"),
}
"""None: people need no word for it."""
NEEDS: Final[Mapping[str, str]] = {
    "order": phrase("only on an order of a court or an authority"),
    "warrant": phrase("only on a judge's warrant"),
    "consent": phrase("only as a consent for it says"),
}
"""On request: what has to be open, if it is something else than a case or an audit."""
STATES: Final[Mapping[State, str]] = {
    State.CARRIED_OUT: phrase("carried out"),
    State.WRITTEN: phrase("written, not carried out yet"),
    State.PEOPLE: phrase("left to people"),
}
LACKING: Final[Mapping[Capability, str]] = {
    Capability.COMPILING: phrase("refusing what does not fit"),
    Capability.STREAMING: phrase("delivery of readings"),
    Capability.ADMISSION: phrase("keeping out what no purpose needs"),
    Capability.CONSENT: phrase("asking for consent"),
    Capability.PSEUDONYMS: phrase("pseudonyms"),
    Capability.EXPIRY: phrase("deletion at the end of a period"),
    Capability.TRANSIT: phrase("deletion in transit"),
    Capability.PAGES: phrase("pages for the public"),
    Capability.RECORDS: phrase("the office's own records"),
    Capability.ON_REQUEST: phrase("opening data for a case"),
    Capability.AGGREGATES: phrase("figures about groups"),
    Capability.EVENT_ENDS: phrase("ends that wait for an event"),
    Capability.RELEASE_WINDOWS: phrase("gathering records in a window"),
    Capability.OTHER_OPERATIONS: phrase("some ways of making data coarser"),
    Capability.JOINS: phrase("joining purposes, and keeping them apart"),
    Capability.SERVICES: phrase("telling services apart"),
    Capability.BROKER_RIGHTS: phrase("rights on the broker"),
    Capability.REGISTERS: phrase("registers of disclosures"),
    Capability.REQUESTS: phrase("showing, correcting and erasing a person's data"),
}
"""What a rule may lack, as a noun."""

_DURATIONS: Final[tuple[tuple[int, PeriodUnit], ...]] = (
    (DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes"),
)  # fmt: skip


def duration_words(length_ms: int, words: Translation) -> str:
    """How coarsely a time is given, in the largest unit that divides it."""
    for unit_ms, unit in _DURATIONS:
        if length_ms % unit_ms == 0 and length_ms >= unit_ms:
            return words.amount(length_ms // unit_ms, unit)
    seconds = f"{length_ms / SECOND_MS:g}"
    return words.gettext("%(seconds)s s", seconds=seconds)


def precision_words(space: Space | None, time_ms: int, words: Translation) -> str:
    """How fine place and time are; ``space`` None where the data has no place."""
    time = words.gettext("time within %(duration)s", duration=duration_words(time_ms, words))
    return time if space is None else words.listed([_space(space, words), time])


def _space(space: Space, words: Translation) -> str:
    match space:
        case Exact():
            return words.gettext("position as measured")
        case MeshJis(size_m):
            return words.gettext("a square of about %(edge)s", edge=words.metres(size_m))
        case MeshH3(resolution):
            return words.gettext("an H3 cell of size %(resolution)s", resolution=str(resolution))
        case Unsupported("prefecture"):
            return words.gettext("the prefecture")
        case Unsupported(named):
            return named
        case _:
            assert_never(space)


def keep_words(
    keep: PlanRetention, words: Translation, until: date | None = None, *, erased: bool = False
) -> str:
    """``24 months after we received it``, with the cap if the event may not come.

    ``until`` is the cell's own, the day from which on nothing new is passed; ``erased``: all of it
    goes as soon as the consent is withdrawn.
    """
    said = [_kept_words(keep, words)]
    if until is not None:
        said.append(words.gettext("ends on %(day)s", day=words.date(until)))
    if erased:
        said.append(words.gettext("erased if you take your consent back"))
    return said[0] if len(said) == 1 else words.listed(said)


def _kept_words(keep: PlanRetention, words: Translation) -> str:
    period, trigger = words.period(keep.at_most), words.gettext(TRIGGERS[keep.trigger])
    if keep.at_least is None:
        kept = words.gettext("%(period)s %(trigger)s", period=period, trigger=trigger)
    else:
        kept = words.gettext(
            "at least %(least)s, at most %(period)s %(trigger)s",
            least=words.period(keep.at_least),
            period=period,
            trigger=trigger,
        )
    kept = words.claimed(kept, of_trigger(keep.trigger))
    if keep.cap is not None:
        cap = words.period(keep.cap)
        kept = words.gettext("%(kept)s, in any case %(period)s", kept=kept, period=cap)
    if keep.review_on is not None:
        day = words.date(date.fromisoformat(keep.review_on))
        kept = words.gettext("%(kept)s, looked at again on %(day)s", kept=kept, day=day)
    return kept
