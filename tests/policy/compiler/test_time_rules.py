"""A rule over time that the raw log cannot carry does not compile."""

from policy.plan.limits import Limits
from telemetry.instants import MINUTE_MS, SECOND_MS
from tests.support.documents import compiled, plan_of


def test_a_rule_that_remembers_for_longer_than_raw_data_is_there_is_refused() -> None:
    limits = Limits(raw_retention_ms_at_most=MINUTE_MS, late_ms=50 * SECOND_MS + 1)
    result = compiled(limits=limits)
    assert result.policy is None
    (error,) = [str(one) for one in result.problems if ": error: " in str(one)]
    assert error.startswith("purposes/study.yaml:")
    assert "raw data is only sure to be there for 1 min" in error
    assert error.endswith("or set `late_s` to at most 50")


def test_one_that_remembers_for_just_as_long_is_carried_out() -> None:
    limits = Limits(raw_retention_ms_at_most=MINUTE_MS, late_ms=50 * SECOND_MS)
    assert plan_of(limits=limits).late_ms == 50 * SECOND_MS
    assert plan_of(limits=limits).digest != plan_of().digest
