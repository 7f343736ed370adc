"""What a road that several tests share has taken in since one of them began."""

from collections import Counter
from typing import Any

from roadfade.ledger_file import LedgerFile
from sinks.lake.layout import outputs
from telemetry.wire.flow import Ledger, OutputFlow
from tests.support.road import Road


class Since:
    """The road's ledger and rows from now on; rows are told apart by their pseudonyms.

    A test that counts its rows brings dongles of its own.
    """

    def __init__(self, road: Road) -> None:
        self._road = road
        self._ledger = self._read()
        self._known = {
            output: set(road.rows(output, "SELECT DISTINCT pseudonym FROM readings"))
            for output in outputs(road.settings.lake_dir)
        }

    def ledger(self) -> Ledger:
        """What the ledger has grown by; outputs and reasons that did not grow are left out."""
        now, then = self._read(), self._ledger
        flows = {
            output: _grown(flow, then.outputs.get(output, OutputFlow()))
            for output, flow in now.outputs.items()
            if flow != then.outputs.get(output)
        }
        return Ledger(flows, _more(now.rejected, then.rejected))

    def rows(self, output: str, columns: str) -> list[tuple[Any, ...]]:
        """These columns of the rows whose pseudonyms are new."""
        statement = f"SELECT pseudonym, {columns} FROM readings"  # noqa: S608  # constants of tests
        known = self._known.get(output, set())
        found = self._road.rows(output, statement)
        return [tuple(row) for pseudonym, *row in found if (pseudonym,) not in known]

    def _read(self) -> Ledger:
        return LedgerFile(self._road.settings.ledger_path).read()


def _grown(now: OutputFlow, then: OutputFlow) -> OutputFlow:
    withheld = _more(now.withheld, then.withheld)
    return OutputFlow(now.entered - then.entered, now.delivered - then.delivered, withheld)


def _more(now: dict[str, int], then: dict[str, int]) -> dict[str, int]:
    counts = Counter(now)
    counts.subtract(then)
    return {reason: count for reason, count in counts.items() if count}
