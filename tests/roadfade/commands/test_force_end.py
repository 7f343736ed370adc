"""Who is asked, what is refused, and how the end of a topic is told."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from roadfade.cli import app
from roadfade.commands.force_end_asks import Asked, lines_of, refuse_unknown
from roadfade.forced_end.cutting import Places
from roadfade.forced_end.force import Ended, Files
from roadfade.refusal import Refusal

ASKED = Asked(("purpose.a",), at_the_cost_of_others=False, wait_s=1, dry_run=False, yes=True)
READ = Places({0: 0}, {0: 9}, {"roadfade-sink": {0: 9}})
ENDED = Ended("purpose.a", {0: 9}, {0: 9}, {}, {}, {0: 9}, Files.NONE)


def test_a_topic_has_to_be_named() -> None:
    done = CliRunner().invoke(app, ["topics", "force-end", "--json"])
    assert done.exit_code == 2
    assert "--output" in json.loads(done.stdout)["refused"]


def test_a_reader_in_no_register_stops_it_unless_its_loss_is_accepted() -> None:
    refuse_unknown({"purpose.a": READ}, ASKED)
    # Also one that has read all: what it read may not be its own for good.
    others = replace(READ, others={"partner": {0: 9}})
    with pytest.raises(Refusal, match=r"partner.*--at-the-cost-of-others"):
        refuse_unknown({"purpose.a": others}, ASKED)
    refuse_unknown({"purpose.a": others}, ASKED._replace(at_the_cost_of_others=True))


def test_what_is_left_is_told_and_is_no_success() -> None:
    assert ENDED.done
    assert "no file of the broker holds" in "\n".join(lines_of(ENDED))
    unseen = replace(ENDED, files=Files.UNSEEN)
    assert unseen.done
    assert "cannot be seen from here" in "\n".join(lines_of(unseen))
    for left in (
        replace(ENDED, files=Files.SOME),
        replace(ENDED, begins={0: 8}, cut={0: 8}, held_back={"roadfade-sink": 1}),
    ):
        assert not left.done
        assert "NOT ended" in next(iter(lines_of(left)))
