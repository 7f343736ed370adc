"""What of a person is asked for: which vehicle, which span of time, which purposes. Pure."""

from dataclasses import dataclass, field

from policy.plan.plan import Output
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import LinkInterval


@dataclass(frozen=True, slots=True)
class Scope:
    """Readings of ``[from_ms, to_ms)`` of one person, in milliseconds UTC; None: no bound."""

    subject: SubjectId
    device: DeviceId | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    purposes: frozenset[str] = field(default_factory=frozenset)
    """Empty: every purpose."""

    @property
    def whole(self) -> bool:
        """Whether it is all that there is of the person."""
        return not self.purposes and (self.device, self.from_ms, self.to_ms) == (None, None, None)

    def takes(self, output: Output) -> bool:
        """Whether an output's records are asked for."""
        return not self.purposes or output.purpose in self.purposes

    def span_of(self, link: LinkInterval) -> tuple[int, int | None]:
        """What of the scope lies within a link: before it and after it, the person was another.

        It may be empty, its end at or before its beginning.
        """
        from_ms = link.from_ms if self.from_ms is None else max(link.from_ms, self.from_ms)
        ends = [one for one in (link.to_ms, self.to_ms) if one is not None]
        return from_ms, min(ends, default=None)
