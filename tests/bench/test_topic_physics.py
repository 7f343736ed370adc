"""The benchmark of topics plants on the settings that are made, and sees when files lose a canary."""

from pathlib import Path

from bench.canaries import Company, Topic, Watched, in_files
from bench.report import KINDS, topics
from bench.topic_physics import SILENT, kinds, short_plan
from bus.ports import BrokerSettings
from policy.artefacts.topics import topic_configs
from policy.plan.bounds import PASS_MS

QUICK = BrokerSettings(1_000, 1_000, 1_000, creates_topics_unasked=False)


def canary(number: int) -> bytes:
    return b"canary:raw:%d:%016x:" % (number, number)


def test_every_kind_has_the_settings_of_a_topic_that_is_made() -> None:
    plan = short_plan(QUICK)
    made = [dict(config) for config in topic_configs(plan).values()]
    found = kinds(plan, QUICK)
    for one in found:
        if not one.kind.startswith("answers"):
            assert dict(one.config) in made, one.kind
    assert {one.kind for one in found} - {SILENT} == KINDS.keys() - {"forced"}


def test_every_bound_is_longer_than_what_is_kept_on_purpose() -> None:
    for one in kinds(short_plan(QUICK), QUICK):
        kept = "max.compaction.lag.ms" if one.replaced else "retention.ms"
        assert one.bound_s * 1_000 >= int(one.config[kept]) + PASS_MS


def test_a_canary_is_gone_when_no_file_holds_it_and_not_while_one_is_renamed(
    tmp_path: Path,
) -> None:
    watched = Watched(Topic("raw", {}, 10, Company.NOBODY), 2)
    file = tmp_path / "topic-0" / "0.log"
    file.parent.mkdir()
    file.write_bytes(canary(0) + b"other" + canary(1))
    (tmp_path / "topic-0" / "0.timeindex").write_bytes(canary(2))
    assert in_files(tmp_path) == {canary(0), canary(1)}
    watched.ends_s = {canary(0): 100.0, canary(1): 101.0}
    watched.look(set(), 101.0)
    assert watched.living == 2, "what was not seen yet is not gone"
    watched.look(in_files(tmp_path), 102.0)
    watched.look({canary(1)}, 103.0)
    assert watched.gone_s == {canary(0): 3.0}
    watched.look({canary(0), canary(1)}, 104.0)
    watched.look(set(), 106.0)
    assert watched.gone_s == {canary(0): 6.0, canary(1): 5.0}
    assert watched.complete


def test_what_was_not_measured_is_said_to_be_so() -> None:
    assert topics({"topic_physics": {}}) == ["This was not measured."]
