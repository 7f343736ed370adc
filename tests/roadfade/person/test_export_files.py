"""What a person is given as files does nothing to whoever opens them."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadfade.person.export_files import write_output
from roadfade.person.held import Held, HeldPart
from sinks.port.results import Located
from sinks.port.selection import FoundRow, Selection
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.wire.control import LinkInterval
from tests.support.plans import PLAN
from tests.support.worlds import NOW_MS

OUTPUT = PLAN.outputs[0]
LINK = LinkInterval(
    "link-1", DeviceId("dongle"), SubjectId("ana"), LinkSecret(b"s" * 32), 0, None, "driver"
)


class Rows:
    """A store with one text and one number."""

    def __init__(self, text: str) -> None:
        self._text = text

    def locate(self, output: str, selection: Selection) -> Located:
        del output, selection
        return Located(2, 1)

    def rows_of(self, output: str, selection: Selection, now_ms: int) -> Iterator[FoundRow]:
        del output, selection
        for number, text in ((None, self._text), (-1.5, None)):
            yield FoundRow("r", "Vehicle.Said", 0, number, text, "", now_ms, "p 1", None, None, "P")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_text_of_a_vehicle_is_run_by_a_spreadsheet(tmp_path: Path, text: str) -> None:
    (tmp_path / "readings").mkdir()
    part = HeldPart(OUTPUT, LINK, 1, Selection(frozenset()))
    told = list[int]()
    write_output(tmp_path, Held([part], frozenset()), OUTPUT, Rows(text), NOW_MS, told.append)
    with (tmp_path / f"readings/{OUTPUT.id}.csv").open(encoding="utf-8", newline="") as file:
        values = [row["value"] for row in csv.DictReader(file)]
    assert values == [f"'{text}", "-1.5"], "a number is no formula"
    with (tmp_path / f"readings/{OUTPUT.id}.jsonl").open(encoding="utf-8", newline="\n") as file:
        assert [json.loads(line)["value"] for line in file] == [text, -1.5]
