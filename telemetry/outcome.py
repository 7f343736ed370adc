"""What can become of a reading: the closed sets of reasons, in their fixed order.

A *reading* is one decoded (signal, dt), frame or trouble code of an admitted envelope.
For every output it is delivered, or withheld under its first reason in the order of
``Withheld``. What is not admitted is ``Rejected`` and enters no row of the ledger.
"""

from enum import StrEnum


class Withheld(StrEnum):
    """Why an admitted reading does not reach an output. The order decides: first wins."""

    NOT_COLLECTED = "not_collected"
    """A known signal that no active purpose needs."""
    NOT_IN_PURPOSE = "not_in_purpose"
    """Some purpose needs it, this output does not: absent is deny."""
    SUSPENDED = "suspended"
    """The purpose is suspended: it takes nothing in."""
    NO_LINK = "no_link"
    """No subject is linked to the device at the reading's time."""
    NO_CONSENT = "no_consent"
    """The cell's basis needs a consent, and none covers both the reading's time and now."""
    OBJECTED = "objected"
    ERASED = "erased"
    """Erased, or under an epoch key that is destroyed."""
    FORBIDDEN = "forbidden"
    """A forbid of the policy names it; a forbid beats every permit."""
    ENDED = "ended"
    """The day on which the recipient or the cell ends has begun, whenever the reading was made."""
    DROPPED = "dropped"
    """The cell's own operation is ``drop``."""
    UNSUPPORTED = "unsupported"
    """The cell asks for an operation that is not carried out yet: never passed untreated."""
    TOO_LATE = "too_late"
    """The rest of its life is shorter than the topic's bound on deletion."""
    UNPAIRED = "unpaired"
    """A latitude without its longitude, or the reverse, if a mesh needs both."""
    OFF_GRID = "off_grid"
    """A position outside the grid that the policy names (JIS X 0410 covers Japan only)."""
    TRIP_END = "trip_end"
    NOT_REBUILT = "not_rebuilt"
    """A rule over time cannot tell whether another reading was there before it: what the worker
    knew is lost, or there was no room for it."""
    THINNED = "thinned"
    AGGREGATED = "aggregated"
    OVERSIZED_OUTPUT = "oversized_output"
    """The output record would not fit the topic; nothing of it is sent."""


class Rejected(StrEnum):
    """Why an envelope, a column or a reading is not admitted."""

    NO_PAYLOAD = "no_payload"
    """A record without a value (a tombstone) on the raw topic."""
    OVERSIZED = "oversized"
    UNSEALED = "unsealed"
    """A plain envelope while ``raw_allow_unsealed`` is off."""
    KEY_DESTROYED = "key_destroyed"
    """A sealed envelope whose period's key is destroyed."""
    UNOPENABLE = "unopenable"
    """A sealed envelope that was changed, never was whole, or is for a key that is none of ours."""
    MALFORMED = "malformed"
    """Not JSON, or not the shape of an envelope."""
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_FIELD = "unknown_field"
    TOO_MANY_READINGS = "too_many_readings"
    NO_READINGS = "no_readings"
    OUT_OF_SCOPE = "out_of_scope"
    """Of a source, or of a device's service, that the policy in force does not list."""
    UNKNOWN_DEVICE = "unknown_device"
    BEFORE_REGISTRATION = "before_registration"
    FROM_THE_FUTURE = "from_the_future"
    """Event time more than 24 h ahead of the server's clock."""
    UNKNOWN_SIGNAL = "unknown_signal"
    WRONG_UNIT = "wrong_unit"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    NO_FIX = "no_fix"
    """A latitude and a longitude of exactly 0 at one time: the receiver knew no position."""
    COLUMN_MISMATCH = "column_mismatch"
    """A column whose dt and value differ in length."""
