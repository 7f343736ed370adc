"""What proofs measure with finds what is there, and nothing else."""

import random

import pytest

from tests.proof.needles import Mark, Needles, forms
from tests.proof.twins import differing, judged

MARKS: dict[str, Mark] = {
    "person": b"person-abcdefgh",
    "secret": bytes(range(200, 232)),
    "at": 35.68123,
}


@pytest.mark.parametrize("name", MARKS)
def test_every_form_of_a_mark_is_found_wherever_it_lies(name: str) -> None:
    needles, chance = Needles(MARKS), random.Random(0)
    assert len(needles) == len(MARKS)
    for form in forms(MARKS[name]):
        for before in (0, 1, 7, 1_000):
            content = chance.randbytes(before) + form + chance.randbytes(3)
            assert needles.names_in(content) == {name}


def test_nothing_is_found_in_what_holds_none() -> None:
    needles = Needles(MARKS)
    assert needles.names_in(b"") == needles.names_in(b"short") == set()
    assert needles.names_in(random.Random(1).randbytes(100_000) + b"person-abcdefg") == set()


def test_who_learns_a_figure_that_tells_is_right_and_who_finds_none_tosses_coins() -> None:
    telling = [({"bytes": 2.0, "parts": 1.0}, {"bytes": 1.0, "parts": 1.0})] * 40
    assert judged(telling) == (40, ["more bytes", "more bytes"])
    assert differing(telling) == {"bytes": "40 more, 0 less"}
    alike = [({"bytes": 1.0}, {"bytes": 1.0})] * 40
    assert 8 <= judged(alike)[0] <= 32
