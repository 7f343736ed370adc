"""What a door says that refuses: a problem document (RFC 9457) of fixed words.

Nothing that was sent is repeated in it, nobody is named, and no library speaks.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from ingest.gateway.ports import Answer, Refusal

PROBLEM_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:roadfade:gateway:"


class Fault(StrEnum):
    """Why a request is refused before anybody looks at what it brings. Closed."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_IDENTITY = "unknown_identity"
    NOT_FOUND = "not_found"
    METHOD = "method"
    SLOW = "slow"
    UNSUPPORTED = "unsupported"
    EXPECTATION = "expectation"
    NO_LIST = "no_list"
    DEFECT = "defect"


class Said(NamedTuple):
    """A status and its words."""

    status: int
    title: str


SAID: Final[Mapping[Fault | Refusal, Said]] = {
    Fault.BAD_REQUEST: Said(400, "This is no HTTP request that can be taken."),
    Fault.UNKNOWN_IDENTITY: Said(401, "No device that is known here, or not any more."),
    Fault.NOT_FOUND: Said(404, "There is nothing here."),
    Fault.METHOD: Said(405, "This is not done here; see Allow."),
    Fault.SLOW: Said(408, "The request took too long to arrive."),
    Fault.UNSUPPORTED: Said(415, "Send JSON or NDJSON, as it is or as one gzip member."),
    Fault.EXPECTATION: Said(417, "Only 100-continue can be expected."),
    Fault.NO_LIST: Said(
        404,
        "There is no list to give now: go by the one you have until it ends, and collect nothing "
        "after that.",
    ),
    Fault.DEFECT: Said(500, "The gateway failed; nothing of this request was taken for certain."),
    Refusal.UNAVAILABLE: Said(503, "It could not be made durable in time: send all of it again."),
    Refusal.TOO_FAST: Said(429, "More than the device's share: send it again later."),
    Refusal.CLONE: Said(409, "Two boots of this device are alive: neither is believed."),
    Refusal.OTHER_DEVICE: Said(
        403, "An envelope names another device than the one that brings it."
    ),
    Refusal.OVERSIZED: Said(413, "Longer than it may be: send several smaller ones."),
    Refusal.MALFORMED: Said(400, "Not an envelope: compare it with its JSON Schema."),
}
"""In this order, of several refusals the first is the answer: what may be sent again goes before
what may not, lest a device takes it all for refused for good."""


def problem(why: Fault | Refusal, **more: object) -> bytes:
    """The document of one refusal."""
    status, title = SAID[why]
    body = {"type": f"{TYPE_PREFIX}{why}", "title": title, "status": status, "reason": str(why)}
    return msgspec.json.encode(body | more)


def first_of(answer: Answer) -> Refusal | None:
    """The refusal that is the answer; None if all was taken."""
    return next((why for why in SAID if isinstance(why, Refusal) and answer.refused.get(why)), None)
