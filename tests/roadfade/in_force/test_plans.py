"""A version on which the compiler fails is one that does not hold, not the end of a process."""

from pathlib import Path

import pytest

from policy.plan.limits import Limits
from roadfade.in_force import plans as module
from roadfade.in_force.plans import Plans
from roadfade.refusal import NotReady
from tests.support.small_house import FIRST


def test_a_version_that_breaks_the_reader_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: object) -> None:
        raise TypeError

    monkeypatch.setattr(module, "parse", parse)
    plans = Plans(Limits(), tmp_path)
    assert plans.plan_if_it_holds(FIRST) is None
    with pytest.raises(NotReady, match="small 1 does not hold: TypeError"):
        plans.plan(FIRST)
