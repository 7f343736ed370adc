from pathlib import Path

import pytest

from policy.plan.limits import Limits
from roadfade.demo.process_group import child_environment
from roadfade.in_force.broker import limits_of
from roadfade.in_force.plans import compile_policy
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.instants import Grain


def test_a_policy_that_does_not_hold_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("policy: nothing\n")
    with pytest.raises(NotReady, match="does not hold"):
        compile_policy(Settings(policy=tmp_path), Limits())


def test_a_policy_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="cannot be read"):
        compile_policy(Settings(policy=tmp_path / "none"), Limits())


def test_settings_make_a_plan_finer_and_never_coarser() -> None:
    plain = compile_policy(Settings(), Limits())
    fine = Settings(grain_at_most=Grain.MINUTE, topic_retention_s_at_most=45)
    finer = compile_policy(fine, limits_of(fine, 1_000, 1_000))
    coarse = Settings(grain_at_most=Grain.MONTH, topic_retention_s_at_most=10**9)
    coarser = compile_policy(coarse, limits_of(coarse, 300_000, 60_000))
    for before, after, same in zip(plain.outputs, finer.outputs, coarser.outputs, strict=True):
        assert after.transport.bound_ms <= before.transport.bound_ms
        assert same.transport == before.transport
        for lane, fine_lane, same_lane in zip(before.lanes, after.lanes, same.lanes, strict=True):
            assert fine_lane.grain.fineness <= lane.grain.fineness
            assert fine_lane.period == lane.period
            assert same_lane.grain == lane.grain


def test_a_child_has_the_settings_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = Settings(kafka_bootstrap_servers="localhost:1", topic_retention_s_at_most=45)
    for name, value in child_environment(parent).items():
        monkeypatch.setenv(name, value)
    child = Settings()
    assert child.kafka_bootstrap_servers == "localhost:1"
    assert child.topic_retention_s_at_most == 45
