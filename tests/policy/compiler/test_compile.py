"""What a plan holds: outputs, lanes, rules, denials; and what a plan leaves out."""

from dataclasses import replace

import pytest

from policy.compiler.compile import compile_plan
from policy.language.parse import parse
from policy.language.problems import Severity
from policy.plan.limits import Limits
from policy.vocabulary.operations import Bucket, Keep, MeshH3, MeshJis, ThinTime, Unsupported
from policy.vocabulary.position import as_coarse_as
from policy.vocabulary.terms import BasisKind, Epoch, Period
from policy.vocabulary.words import Exact, Space
from telemetry.instants import DAY_MS, MINUTE_MS, SECOND_MS, Grain, parse_instant
from telemetry.outcome import Withheld
from telemetry.signals import Catalogue
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES
from tests.support.documents import (
    ALTITUDE,
    CATALOGUE,
    FILES,
    FUEL,
    SPEED,
    bent,
    compiled,
    errors,
    plan_of,
    rule_of,
    warnings,
)

PAGE = "purposes/study.yaml"
TWO = """\
recipients:
  - {id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]}
  - {id: desk, class: internal, who: {ja: 窓口, en: the desk}, countries: [JP]}
"""
ONE = "recipients:\n  - {id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]}\n"


def test_a_version_takes_effect_when_the_controllers_day_begins() -> None:
    """The small document's controller is in Tokyo, nine hours ahead."""
    assert plan_of().effective_ms == parse_instant("2026-09-30T15:00:00Z")


def test_a_document_becomes_outputs_of_lanes_of_rules() -> None:
    plan = plan_of()
    assert (plan.policy, plan.version) == ("small", 1)
    assert plan.titles == {"study": "Study"}
    assert plan.precisions["P2"] == "jis-mesh 500 m, 10 min"
    (output,) = plan.outputs
    assert (output.id, output.topic, output.epoch) == ("study", "purpose.study", Epoch(3))
    assert [lane.name for lane in output.lanes] == ["30-days.10min", "12-months.1s"]
    assert [lane.time_floor_ms for lane in output.lanes] == [10 * MINUTE_MS, SECOND_MS]
    rule = rule_of(output, SPEED)
    assert rule.id == "study/team/C09/Vehicle.Speed"
    assert rule.operations == (ThinTime(10_000), Bucket(10))
    assert rule.basis.kind is BasisKind.PUBLISHED
    assert str(rule.where) == "purposes/study.yaml:16:3"


def test_a_branch_gives_way_to_a_closer_path_in_another_category() -> None:
    (output,) = plan_of().outputs
    assert rule_of(output, FUEL).category == "C11"
    assert TROUBLE_CODES not in plan_of().collected


def test_a_coarse_space_meshes_positions_and_nothing_else() -> None:
    (output,) = plan_of().outputs
    assert rule_of(output, LATITUDE).operations == (MeshJis(500),)
    assert rule_of(output, LONGITUDE).operations == (MeshJis(500),)
    assert rule_of(output, FUEL).operations == (Keep(),)


def test_an_exact_space_leaves_positions_to_their_own_operations() -> None:
    files = bent(
        PAGE, "    precision: P2\n", "    precision: P0\n    do: {'*': round 0.01 degrees}\n"
    )
    (output,) = plan_of(files).outputs
    assert [str(op) for op in rule_of(output, LATITUDE).operations] == ["Round(step=0.01)"]


def test_a_star_treats_every_signal_beside_its_own_line() -> None:
    files = bent(
        PAGE,
        "do: {Vehicle.Speed: [thin 10 s, bucket 10 km/h]}",
        "do: {Vehicle.Speed: bucket 10, '*': thin 1 min}",
    )
    (output,) = plan_of(files).outputs
    assert rule_of(output, SPEED).operations == (ThinTime(MINUTE_MS), Bucket(10))


def test_only_some_signals_of_a_category_may_be_taken() -> None:
    files = bent(PAGE, "  C11:\n", "  C11:\n    only: [Vehicle.OBD.EngineSpeed]\n")
    assert FUEL not in plan_of(files).collected


def test_what_no_cell_takes_is_in_no_table() -> None:
    plan = plan_of()
    named = {rule.signal for lane in plan.outputs[0].lanes for rule in lane.rules}
    assert plan.collected == named
    assert ALTITUDE not in named


def test_altitude_beside_a_mesh_needs_a_decision() -> None:
    categories = bent(
        "categories.yaml",
        "signals: [Vehicle.CurrentLocation.Latitude, Vehicle.CurrentLocation.Longitude]",
        "signals: [Vehicle.CurrentLocation.**]",
    )
    (error,) = errors(categories)
    assert f"{ALTITUDE} would reveal more of the position than the mesh does" in error
    page = bent(PAGE, "    precision: P2\n", f"    precision: P2\n    do: {{{ALTITUDE}: drop}}\n")
    (output,) = plan_of({**categories, PAGE: page[PAGE]}).outputs
    (denial,) = output.denials
    assert (denial.signal, denial.reason) == (ALTITUDE, Withheld.DROPPED)


def test_one_category_may_have_two_lives_at_once() -> None:
    page = FILES[PAGE].replace(
        "  C09:\n    precision: P0",
        "  C09:\n    - {precision: P2, keep: {at_most: 30 days, from: reading, because: {ja: 争いに備えるため, en: disputes}}, cites: [C2-08]}\n    - precision: P0",
    ).replace("    do: {Vehicle", "      do: {Vehicle").replace(
        "    keep: {at_most: 12 months, from: reading, because: {ja: 負荷を知るため, en: load profiles}}\n    cites: [C2-08]\n  C11",
        "      keep: {at_most: 12 months, from: reading, because: {ja: 負荷を知るため, en: load profiles}}\n      cites: [C2-08]\n  C11",
    )  # fmt: skip
    (output,) = plan_of({**FILES, PAGE: page}).outputs
    found = [(lane.name, r.id) for lane in output.lanes for r in lane.rules if r.signal == SPEED]
    assert found == [
        ("30-days.10min", "study/team/C09/Vehicle.Speed"),
        ("12-months.1s", "study/team/C09/Vehicle.Speed#2"),
    ]


def test_lanes_divide_by_trigger_and_asked_grain() -> None:
    page = bent(
        PAGE, "{at_most: 30 days, from: reading,", "{at_most: 30 days, from: trip_end, grain: hour,"
    )
    (output,) = plan_of(page).outputs
    assert output.lanes[0].name == "30-days.10min.trip_end.hour"
    assert output.lanes[0].grain is Grain.HOUR


def test_an_event_that_may_never_come_compiles_to_its_cap() -> None:
    page = bent(
        PAGE,
        "at_most: 30 days, from: reading",
        "at_most: 90 days, from: contract_end, cap: 400 days",
    )
    lane = plan_of(page).outputs[0].lanes[0]
    assert (lane.period, lane.trigger) == (Period(400, "days"), "contract_end")


def test_two_recipients_are_two_outputs_and_may_see_different_cells() -> None:
    files = bent(PAGE, ONE, TWO)
    assert [o.id for o in plan_of(files).outputs] == ["study.team", "study.desk"]
    only_team = files[PAGE].replace("  C09:\n", "  C09:\n    to: [team]\n")
    team, desk = plan_of({**files, PAGE: only_team}).outputs
    assert SPEED in {r.signal for lane in team.lanes for r in lane.rules}
    assert SPEED not in {r.signal for lane in desk.lanes for r in lane.rules}


def test_a_recipient_no_cell_names_gets_no_topic() -> None:
    files = bent(PAGE, ONE, TWO)
    text = files[PAGE]
    for category in ("C07", "C09", "C11"):
        text = text.replace(f"  {category}:\n", f"  {category}:\n    to: [desk]\n")
    assert [o.id for o in plan_of({**files, PAGE: text}).outputs] == ["study"]


@pytest.mark.parametrize(
    "forbid",
    [
        "{to: [team], because: no reason, cites: [X-1]}",
        "{to: [internal], because: no reason, cites: [X-1]}",
        "{category: [C09], because: no reason, cites: [X-1]}",
        "{category: C09, because: no reason, cites: [X-1]}",
        "{signal: Vehicle.Speed, because: no reason, cites: [X-1]}",
        "{to: [team], category: C09, signal: Vehicle.Speed, because: no reason, cites: [X-1]}",
    ],
)
@pytest.mark.parametrize("file", [PAGE, "policy.yaml"])
def test_a_forbid_beats_the_permit(file: str, forbid: str) -> None:
    plan = plan_of(bent(file, "forbids: []", f"forbids: [{forbid}]"))
    (output,) = (*plan.outputs, *plan.closed)
    assert SPEED not in plan.collected
    (denial,) = [denial for denial in output.denials if denial.signal == SPEED]
    assert denial.reason is Withheld.FORBIDDEN
    assert denial.rule == ("forbid/1" if file == "policy.yaml" else "study/forbid/1")
    assert denial.cites == ("X-1",)
    assert denial.where.file == file


def test_everything_a_forbid_names_must_fit() -> None:
    forbid = "{to: [third_party], category: C09, because: no reason, cites: [X-1]}"
    assert SPEED in plan_of(bent(PAGE, "forbids: []", f"forbids: [{forbid}]")).collected


def test_consumer_reporting_is_denied_whatever_is_permitted() -> None:
    plan = plan_of(bent(PAGE, "class: internal", "class: consumer_reporting"))
    assert plan.outputs == ()
    assert plan.collected == frozenset()
    (closed,) = plan.closed
    assert {denial.reason for denial in closed.denials} == {Withheld.FORBIDDEN}
    found = warnings(bent(PAGE, "class: internal", "class: consumer_reporting"))
    assert [w.message for w in found] == ["study receives nothing: every signal is denied"]


@pytest.mark.parametrize("words", ["hide_home_cells", "trim_trip_ends 500 m 5 min"])
def test_what_is_not_carried_out_yet_is_withheld_and_said(words: str) -> None:
    files = bent(PAGE, "[thin 10 s, bucket 10 km/h]", f"[thin 10 s, {words}]")
    (output,) = plan_of(files).outputs
    (denial,) = output.denials
    assert (denial.signal, denial.reason) == (SPEED, Withheld.UNSUPPORTED)
    assert any("not carried out yet" in w.message and w.value == SPEED for w in warnings(files))


def test_a_prefecture_is_not_carried_out_yet() -> None:
    (output,) = plan_of(bent(PAGE, "precision: P2", "precision: P5")).outputs
    assert {(d.signal, d.reason) for d in output.denials} == {
        (LATITUDE, Withheld.UNSUPPORTED),
        (LONGITUDE, Withheld.UNSUPPORTED),
    }


def test_facts_are_cells_of_the_plan_and_never_enter_a_topic() -> None:
    files = bent(PAGE, "  C11:\n    precision: P0\n", "  C06:\n")
    plan = plan_of(files)
    assert "vehicle_class" not in plan.collected
    (cell,) = [cell for cell in plan.cells if cell.category == "C06"]
    assert (cell.delivery.mode, cell.facts, cell.signals) == ("records", ("vehicle_class",), ())
    assert str(cell.retention.longest) == "12 months"
    assert plan.facts == {"vehicle_class": "C06"}


def test_live_release_warns_where_the_floor_promises_more() -> None:
    assert any("arrival dates records more finely" in w.message for w in warnings(dict(FILES)))
    fine = FILES[PAGE].replace("precision: P2", "precision: P0")
    assert warnings({**FILES, PAGE: fine}) == []


def test_third_parties_get_position_only_as_coarse_as_the_bound() -> None:
    page = FILES[PAGE].replace("class: internal", "class: third_party")
    page = page.replace("kind: published", "kind: third_party").replace(
        "kind: location", "kind: third_party"
    )
    found = errors({**FILES, PAGE: page})
    assert len(found) == 2
    assert all("finer than P3: jis-mesh 1000 m and 1 h" in error for error in found)
    plan = plan_of({**FILES, PAGE: page.replace("precision: P2", "precision: P3")})
    assert plan.outputs[0].recipient_class == "third_party"


def test_settings_make_grains_finer_and_never_coarser() -> None:
    finer = plan_of(limits=Limits(grain_at_most=Grain.MINUTE)).outputs[0].lanes
    assert {lane.grain for lane in finer} == {Grain.MINUTE}
    usual = plan_of(limits=Limits(grain_at_most=Grain.MONTH)).outputs[0].lanes
    assert [lane.grain for lane in usual] == [Grain.DAY, Grain.DAY]
    assert [lane.name for lane in finer] == [lane.name for lane in usual]


def test_a_plan_with_an_error_is_no_plan() -> None:
    result = compiled(bent(PAGE, "precision: P2", "precision: P9"))
    assert result.plan is None
    assert any(problem.severity is Severity.ERROR for problem in result.problems)


def test_a_catalogue_without_the_mesh_cell_is_refused() -> None:
    document = parse(FILES)
    assert not isinstance(document, tuple)
    rows = {path: signal for path, signal in CATALOGUE.by_path.items() if path != MESH}
    result = compile_plan(document, Catalogue("test", rows), Limits())
    assert result.plan is None
    assert next(p.message for p in result.problems) == "the catalogue lacks the mesh cell"


def test_the_same_policy_has_the_same_digest_wherever_its_lines_stand() -> None:
    moved = {**FILES, PAGE: "# a remark\n\n" + FILES[PAGE]}
    assert plan_of(moved).digest == plan_of().digest
    assert plan_of(moved).outputs[0].lanes[0].rules[0].where.line == 13


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (PAGE, "30 days", "31 days"),
        (PAGE, "bucket 10", "bucket 20"),
        (PAGE, "epoch: 3 months", "epoch: 2 months"),
        (PAGE, "kind: location, notice", "kind: opt_in, notice"),
        ("policy.yaml", "version: 1", "version: 2"),
        ("policy.yaml", "7 days", "6 days"),
        ("precision.yaml", "500 m", "1000 m"),
        ("precision.yaml", "10 min", "15 min"),
    ],
)
def test_a_policy_that_says_otherwise_has_another_digest(file: str, old: str, new: str) -> None:
    assert plan_of(bent(file, old, new)).digest != plan_of().digest


def test_limits_enter_the_digest() -> None:
    assert plan_of(limits=Limits(topic_retention_ms_at_most=DAY_MS)).digest != plan_of().digest
    assert replace(plan_of(), digest="").policy_version == "1-"


def _twice(first: str, second: str) -> dict[str, str]:
    """The page with two lines for speed instead of one."""
    start, end = FILES[PAGE].index("  C09:\n"), FILES[PAGE].index("  C11:\n")
    cell = "    - {{precision: {}, keep: {{at_most: 12 months, from: reading, because: {{ja: 負荷, en: loads}}}}, {}cites: [C2-08]}}\n"
    lines = "  C09:\n" + "".join(
        cell.format(*line.split(" ", 1)) for line in (first + " ", second + " ")
    )
    return {**FILES, PAGE: FILES[PAGE][:start] + lines + FILES[PAGE][end:]}


def test_a_signal_kept_twice_alike_is_refused() -> None:
    assert errors(_twice("P0", "P2")) == []
    (error,) = errors(_twice("P0", "P0"))
    assert error.startswith(
        "purposes/study.yaml:18:7: error: the same signal is kept twice in the same way"
    )


def test_a_signal_delivered_by_one_line_is_not_called_denied_by_another() -> None:
    files = _twice("P0", "P2 do: {Vehicle.Speed: hide_home_cells},")
    (output,) = plan_of(files).outputs
    assert SPEED in {rule.signal for lane in output.lanes for rule in lane.rules}
    assert output.denials == ()


@pytest.mark.parametrize(
    ("precision", "fits"),
    [
        ("{space: exact, time: 1 h}", False),
        ("{space: jis-mesh 500 m, time: 1 h}", False),
        ("{space: jis-mesh 1000 m, time: 30 min}", False),
        ("{space: jis-mesh 1000 m, time: 1 h}", True),
        ("{space: jis-mesh 10000 m, time: 1 day}", True),
        ("{space: h3 8, time: 1 h}", False),
        ("{space: h3 7, time: 1 h}", True),
        ("{space: prefecture, time: 31 days}", True),
    ],
)
def test_position_leaves_the_house_only_as_coarse_as_the_bound(
    precision: str, *, fits: bool
) -> None:
    page = FILES[PAGE].replace("class: internal", "class: joint_user")
    scale = bent("precision.yaml", "{space: jis-mesh 500 m, time: 10 min}", precision)
    found = errors({**scale, PAGE: page})
    assert (found == []) is fits


@pytest.mark.parametrize(
    ("mesh", "needed", "enough"),
    [
        (MeshH3(7), MeshH3(7), True),
        (MeshH3(8), MeshH3(7), False),
        (MeshJis(1_000), MeshH3(8), True),
        (MeshJis(1_000), MeshH3(7), False),
        (None, MeshJis(250), False),
        (None, Exact(), True),
        (MeshJis(250), Unsupported("prefecture"), False),
    ],
)
def test_meshes_of_two_grids_compare_by_the_area_of_their_cells(
    mesh: MeshJis | MeshH3 | None, needed: Space, *, enough: bool
) -> None:
    assert as_coarse_as(mesh, needed) is enough
