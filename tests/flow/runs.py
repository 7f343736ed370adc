"""A run of a recorded fleet that nothing disturbed, to hold a disturbed one against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus.records import Outgoing
from ingest.simulation.fleet import Fleet
from roadfade.ledger_file import LedgerFile
from telemetry.instants import DAY_MS
from tests.support.pace import enrolled, play, readings_in, recorded
from tests.support.road import no_prefix_twice, running_road


@dataclass(frozen=True, slots=True)
class Run:
    """What was sent and what it left behind, judged at one instant."""

    state: Path
    tape: Sequence[Outgoing]
    now_ms: int

    @property
    def lake(self) -> Path:
        """Its lake."""
        return self.state / "lake"

    @property
    def settings(self) -> dict[str, Any]:
        """What another run must have to come out the same."""
        return {"fixed_now_ms": self.now_ms, "sweep_every_s": 3600}

    def same_ledger(self, other: Path, besides: Mapping[str, int] | None = None) -> None:
        """Hold another run's ledger against this one's, which must be closed and complete.

        ``besides``: readings by reason that were rejected there and are not of the tape.
        """
        found = LedgerFile(other / "ledger.sqlite").read()
        for reason, count in (besides or {}).items():
            found.rejected[reason] -= count
            if not found.rejected[reason]:
                del found.rejected[reason]
        assert found == LedgerFile(self.state / "ledger.sqlite").read()
        assert found.closes
        rejected = sum(found.rejected.values())
        entered = {row.entered + rejected for row in found.outputs.values()}
        assert entered == {readings_in(self.tape)}


def calm_run(
    bootstrap_servers: str, state: Path, fleet: Fleet, seed: int, now_ms: int, recorded_ms: int
) -> Run:
    """Play what a fleet sent four days before an instant, and let it come to rest.

    So long ago that a clock running ahead stays behind us: no reading's life then starts at
    its reception, which differs from run to run.
    """
    from_ms = now_ms - 4 * DAY_MS
    run = Run(state, recorded(fleet, from_ms, from_ms + recorded_ms), now_ms)
    enrolled(state, fleet, seed, now_ms)
    with running_road(bootstrap_servers, no_prefix_twice(), state, **run.settings) as road:
        play(road.settings, run.tape)
        road.drained()
    return run
