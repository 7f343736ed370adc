"""What is known of a backup's office as it is made true again, and what was changed in it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Amended:
    """What was changed in a restored office; nobody's own."""

    persons: int = 0
    """Forgotten again."""
    gone: int = 0
    """Links, consents and restrictions that were deleted since."""
    ended: int = 0
    """Those that ended since."""
    withheld: int = 0
    """Restrictions that were asked for since."""
    asked: int = 0
    """Requests for a part that were asked for since, and are asked again."""
    unasked: int = 0
    """Those that are not, as it is not known of which of several vehicles."""
    withdrawals: int = 0
    """Consents of which it is asked again that what rests on them be removed."""
    released: int = 0
    """Legal holds that were released since."""
    taken_back: int = 0
    """Events that were taken back since."""
    commands: int = 0
    """Commands of erasure that live and were made since."""
    versions: int = 0
    """Versions of the policy that were published since."""


@dataclass(frozen=True, slots=True)
class Since:
    """Instants in milliseconds UTC."""

    made_ms: int
    """When the backup was made."""
    now_ms: int
    lost: bool = False
    """Nobody knows what ended since: all that was open counts as ended when it was made."""
