"""What the program carries out of all that a policy can say, and what it does not yet.

A policy may ask for more than the program does: it is then *written, not carried out yet*, and
each page, answer and register says so. This is the one list that they all ask. ``exists`` is
closed by ``assert_never``; a test ties each capability that exists to tests that show it.
"""

from enum import StrEnum
from typing import assert_never

from policy.vocabulary.terms import DeliveryMode, DocumentPart
from policy.vocabulary.words import CALENDAR_TRIGGERS, READING_TRIGGERS


class State(StrEnum):
    """How far something that a policy says has come."""

    CARRIED_OUT = "carried_out"
    """The program does it, and a test or a case about it shows that."""
    WRITTEN = "written"
    """The policy says it, and the program does not do all of it yet."""
    PEOPLE = "people"
    """It is left to people; no program can do it."""


class Capability(StrEnum):
    """Something that a policy can ask of the program."""

    COMPILING = "compiling"
    """What does not fit the document's own bounds is refused before it is in force."""
    STREAMING = "streaming"
    """Readings leave for one recipient on a topic of its own, treated as the cell says."""
    ADMISSION = "admission"
    """A signal that no purpose needs is in no store, topic or dead letter."""
    CONSENT = "consent"
    """Nothing passes without the consent that its cell rests on, from the withdrawal on."""
    PSEUDONYMS = "pseudonyms"
    """Each recipient has pseudonyms of its own, changed with each epoch."""
    EXPIRY = "expiry"
    """A store deletes each record by its own expiry, counted from reading and arrival."""
    TRANSIT = "transit"
    """The broker deletes what is in transit within the bound of its topic."""
    PAGES = "pages"
    """Who is responsible, and what is used for what, stands on pages made from the plan."""
    RECORDS = "records"
    """The office's own records (contact, contract, payment) are held and deleted."""
    ON_REQUEST = "on_request"
    """Data is opened for one case, audit or order, and closed with it."""
    AGGREGATES = "aggregates"
    """Figures about groups, with a smallest group."""
    EVENT_ENDS = "event_ends"
    """A life that ends with an event (a contract's end) ends with it, once it is recorded."""
    RELEASE_WINDOWS = "release_windows"
    """Records gather in a window, so that their arrival does not date them."""
    OTHER_OPERATIONS = "other_operations"
    """Operations that are named and not built: trimmed ends of trips, hidden homes, prefectures."""
    JOINS = "joins"
    """Records of two purposes are joined where that is permitted, and never elsewhere."""
    SERVICES = "services"
    """An envelope of a source or service outside the policy's scope is not admitted."""
    BROKER_RIGHTS = "broker_rights"
    """The broker lets one principal read one purpose, and nobody else."""
    REGISTERS = "registers"
    """Each disclosure and provision has its entry in a register (APPI Art. 29, 30)."""
    REQUESTS = "requests"
    """A person's data is found, shown, corrected and erased in every store."""


def exists(capability: Capability) -> bool:
    """Whether the program does it today."""
    match capability:
        case (
            Capability.COMPILING
            | Capability.STREAMING
            | Capability.ADMISSION
            | Capability.CONSENT
            | Capability.PSEUDONYMS
            | Capability.EXPIRY
            | Capability.TRANSIT
            | Capability.PAGES
            | Capability.EVENT_ENDS
            | Capability.SERVICES
            | Capability.REQUESTS
        ):
            return True
        case (
            Capability.RECORDS
            | Capability.ON_REQUEST
            | Capability.AGGREGATES
            | Capability.RELEASE_WINDOWS
            | Capability.OTHER_OPERATIONS
            | Capability.JOINS
            | Capability.BROKER_RIGHTS
            | Capability.REGISTERS
        ):
            return False
        case _:
            assert_never(capability)


def of_delivery(mode: DeliveryMode) -> Capability:
    """What a cell needs so that its items leave."""
    match mode:
        case "stream":
            return Capability.STREAMING
        case "aggregate":
            return Capability.AGGREGATES
        case "on_request":
            return Capability.ON_REQUEST
        case "records":
            return Capability.RECORDS
        case _:
            assert_never(mode)


def of_trigger(trigger: str) -> Capability:
    """What a period needs so that it ends when its words say."""
    if trigger in READING_TRIGGERS:
        return Capability.EXPIRY
    # The calendar's days end books of account, which are records of the office.
    return Capability.RECORDS if trigger in CALENDAR_TRIGGERS else Capability.EVENT_ENDS


def of_part(part: DocumentPart) -> Capability:
    """What a part of the document needs to be more than words."""
    match part:
        case DocumentPart.SCOPE:
            return Capability.SERVICES
        case DocumentPart.COMBINE:
            return Capability.JOINS
        case DocumentPart.RAW | DocumentPart.LEDGER | DocumentPart.TRANSPORT:
            return Capability.TRANSIT
        case DocumentPart.CATEGORIES | DocumentPart.FORBIDS:
            return Capability.ADMISSION
        case DocumentPart.CONTROLLER | DocumentPart.NOTICES:
            return Capability.PAGES
        case (
            DocumentPart.PROFILES
            | DocumentPart.OUTSIDE
            | DocumentPart.ANALYTICS
            | DocumentPart.JOINT_USE
            | DocumentPart.APPROVALS
            | DocumentPart.PRECISION
        ):
            return Capability.COMPILING
        case _:
            assert_never(part)
