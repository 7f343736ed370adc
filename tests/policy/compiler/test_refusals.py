"""What the compiler refuses, one bend of the small document each, and the near case it lets pass."""

from collections.abc import Mapping

import pytest

from policy.language.problems import Severity
from tests.support.documents import FILES, bent, compiled, errors, plan_of, warnings

PAGE, POLICY = "purposes/study.yaml", "policy.yaml"
JOINT = (
    "joint_use: {items: [vehicle_class], purposes: [study], manager: {name: {ja: 甲, en: N}, "
    "address: {ja: 東京, en: A}, representative: {ja: 乙, en: R}}, notice: study@1, "
    "cites: [C1-04]}\n"
)
JP = "profiles: {jp-appi-2022: true}\n"
TEAM = "{id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]}"
C11 = "  C11:\n    precision: P0\n"


def changed(files: Mapping[str, str], file: str, old: str, new: str) -> dict[str, str]:
    assert files[file].count(old) == 1, old
    return {**files, file: files[file].replace(old, new)}


def messages(files: dict[str, str]) -> str:
    return "\n".join(errors(files))


@pytest.mark.parametrize(
    ("delivery", "message"),
    [
        ("{mode: stream, at_least: 10, window: 1 month}", "belong to aggregates"),
        ("{mode: aggregate, at_least: 10}", "belong to aggregates"),
        ("{mode: aggregate, at_least: 9, window: 1 month}", "smaller than the policy's own bound"),
        ("{mode: on_request}", "`needs` belongs to on_request"),
        ("{mode: aggregate, at_least: 10, window: 1 month, needs: case}", "`needs` belongs"),
        ("{mode: on_request, needs: case, release: 10 min}", "`release` belongs to streams"),
        ("{mode: records}", "would become records of the office"),
    ],
)
def test_a_way_of_leaving_is_whole(delivery: str, message: str) -> None:
    files = bent(PAGE, C11, f"{C11}    delivery: {delivery}\n")
    assert message in messages(files)


@pytest.mark.parametrize(
    "delivery",
    ["{mode: aggregate, at_least: 10, window: 1 month}", "{mode: on_request, needs: case}"],
)
def test_what_is_no_stream_is_a_cell_and_no_rule_of_an_output(delivery: str) -> None:
    plan = plan_of(bent(PAGE, C11, f"{C11}    delivery: {delivery}\n"))
    (cell,) = [cell for cell in plan.cells if cell.category == "C11"]
    assert "Vehicle.OBD.FuelLevel" in cell.signals
    assert "Vehicle.OBD.FuelLevel" not in plan.collected


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ("{form: named}", "a stream carries pseudonyms and nothing else"),
        ("{form: pseudonym, of: link}", "the identity is incomplete or has too many keys"),
        ("{form: none, epoch: 3 months}", "the identity is incomplete or has too many keys"),
    ],
)
def test_an_identity_is_whole(identity: str, message: str) -> None:
    files = bent(PAGE, "{form: pseudonym, of: link, epoch: 3 months}", identity)
    assert message in messages(files)


def test_what_the_house_keeps_from_analytics_stays_out() -> None:
    files = bent(PAGE, C11, "  C06:\n")
    assert errors(files) == []
    analytic = changed(files, PAGE, "dpv:ResearchAndDevelopment", "dpv:CommercialResearch")
    assert "C06 never enters analytics, and `study` is analytics" in messages(analytic)
    counted = "  C06:\n    delivery: {mode: aggregate, at_least: 10, window: 1 month}\n"
    assert "C06 never enters analytics" in messages(bent(PAGE, C11, counted))


def test_unlinkable_needs_a_day_a_window_and_a_measurement_that_passed() -> None:
    said = "unlinkable: {linked_percent: 0.4, measured: 2026-08-01, how: a week of drives}"
    where = "en: where it happens}}\n"
    files = bent(PAGE, where, f"{where}    {said}\n")
    assert "a pseudonym lasts too long" in messages(files)
    files = changed(files, PAGE, "epoch: 3 months", "epoch: 1 day")
    assert "does not hide the order of records" in messages(files)
    files = changed(files, PAGE, "release: live", "release: 1 day")
    assert errors(files) == []
    worse = changed(files, PAGE, "linked_percent: 0.4", "linked_percent: 4")
    assert "the measurement did not pass" in messages(worse)


def test_joint_use_is_published_closed_managed_and_announced() -> None:
    files = bent(PAGE, TEAM, TEAM.replace("internal", "joint_user"))
    files[PAGE] = files[PAGE].split("  C07:\n")[0] + "  C06:\n" + files[PAGE].split(C11)[1]
    files = changed(files, POLICY, "scope:", f"{JP}scope:")
    assert "joint use without published terms" in messages(files)
    files = changed(files, POLICY, "scope:", f"{JOINT}scope:")
    assert errors(files) == []
    other = changed(files, POLICY, "items: [vehicle_class]", "items: [C07]")
    assert "an item that is not published for joint use (here: vehicle_class)" in messages(other)
    for word in ("other data", "その他", "name etc"):
        left_open = changed(files, POLICY, "items: [vehicle_class]", f"items: [{word}]")
        assert "an open-ended item of joint use" in messages(left_open)
    told_open = changed(files, "categories.yaml", "ja: 車両の種別", "ja: 車両の種別など")
    assert "an open-ended item of joint use (here: vehicle_class)" in messages(told_open)
    unknown = changed(files, POLICY, "items: [vehicle_class]", "items: [vehicle_clas]")
    assert "joint use of an unknown item" in messages(unknown)
    nowhere = changed(files, POLICY, "purposes: [study]", "purposes: [studdy]")
    assert "an unknown purpose (here: studdy)" in messages(nowhere)
    unmanaged = changed(
        files, POLICY, "en: A}, representative: {ja: 乙, en: R}}, notice", "en: A}}, notice"
    )
    assert "`representative` is missing" in messages(unmanaged)
    unannounced = changed(files, POLICY, "notice: study@1, cites", "notice: study@9, cites")
    assert "joint use names no notice that exists" in messages(unannounced)


def test_a_profile_counts_only_where_it_is_on_and_in_force() -> None:
    abroad = bent(PAGE, TEAM, TEAM.replace("internal", "processor").replace("JP", "IE"))
    assert errors(abroad) == []
    on = changed(abroad, POLICY, "scope:", f"{JP}scope:")
    assert "is abroad, and no ground for sending data there is given" in messages(on)
    later = changed(on, "profiles.yaml", "2022-04-01", "2027-04-01")
    assert "the profile is not in force then (2027-04-01 to open)" in messages(later)
    unknown = bent(POLICY, "scope:", "profiles: {jp-appi-2002: true}\nscope:")
    assert "unknown profile (here: jp-appi-2002); write `jp-appi-2022`" in messages(unknown)


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        ("gdpr_basis", "`gdpr` is missing under eu-gdpr"),
        ("subject_access", "its user cannot have this data"),
    ],
)
def test_other_laws_ask_for_more(requires: str, message: str) -> None:
    files = changed(dict(FILES), POLICY, "scope:", f"{JP}scope:")
    files = changed(files, "profiles.yaml", "[transfer_route, joint_use_terms]", f"[{requires}]")
    assert message in messages(files)


def test_a_profile_adds_forbids() -> None:
    forbid = "forbids: [{category: C09, because: this law, cites: [APPI-27]}]"
    files = changed(dict(FILES), "profiles.yaml", "home: [JP]", forbid)
    assert "Vehicle.Speed" in plan_of(files).collected
    on = changed(files, POLICY, "scope:", f"{JP}scope:")
    assert "Vehicle.Speed" not in plan_of(on).collected


def test_a_clause_is_carried_out_by_something_that_exists() -> None:
    test = "tests/policy/test_shipped.py::test_its_cases_hold_for_every_purpose"
    rows = f'C2-08: {{rules: [study], evidence: ["{test}"]}}'
    assert "no row of clauses.yaml carries out" in messages(
        bent("clauses.yaml", f"  {rows}", "  {}")
    )
    unknown = bent("clauses.yaml", "rules: [study]", "rules: [studdy]")
    assert "the clause names unknown rules (here: studdy); write `study`" in messages(unknown)
    second = bent("clauses.yaml", "rules: [study]", "rules: [study, studdy]")
    assert "clauses.yaml:2:26: error: the clause names unknown rules" in messages(second)
    strange = bent("clauses.yaml", "rules: [study]", "rules: [study], needs: [register]")
    assert "unknown needs (here: register); write `registers`" in messages(strange)
    loose = bent("clauses.yaml", test, "tests/policy")
    assert "as `tests/policy/test_shipped.py::test_" in messages(loose)
    bare = bent("clauses.yaml", rows, "C2-08: {rules: [study]}")
    assert "no evidence shows that this clause is kept" in messages(bare)
    upon = bent("clauses.yaml", "rules: [study]", "cites: [C2-08], rules: [study]")
    assert "clauses.yaml:2:19: error: a clause cites a clause (here: C2-08)" in messages(upon)
    unlawful = bent("clauses.yaml", "rules: [study]", "cites: [APPI-99], rules: [study]")
    assert "nothing is known under this citation (here: APPI-99)" in messages(unlawful)
    stray = bent("clauses.yaml", f"  {rows}", f"  {rows}\n  C9-99: {{rules: [study]}}")
    assert "no clause has this id (here: C9-99)" in messages(stray)


def test_a_forbid_of_joining_stands_alone() -> None:
    both = "forbids: [{join: C09, category: C07, because: no reason, cites: [X-1]}]"
    assert "a forbid of joining names more" in messages(bent(PAGE, "forbids: []", both))


def test_a_forbid_for_some_people_leaves_the_permit_to_all_others() -> None:
    forbid = "forbids: [{when: {role: [unknown, minor]}, category: C09, because: no reason, cites: [X-1]}]"
    files = bent(PAGE, "forbids: []", forbid)
    (output,) = plan_of(files).outputs
    rules = [rule for lane in output.lanes for rule in lane.rules]
    assert {rule.category: rule.not_for for rule in rules} == {
        "C07": (), "C09": ("minor", "unknown"), "C11": ()
    }  # fmt: skip
    assert "Vehicle.Speed" not in {denial.signal for denial in output.denials}
    assert warnings(files) == warnings(FILES)
    assert plan_of(files).digest != plan_of(FILES).digest


def test_a_forbid_of_the_house_may_leave_purposes_out_and_a_pages_may_not() -> None:
    forbid = "{category: C09, because: no reason, cites: [X-1]"
    everywhere = bent(POLICY, "forbids: []", f"forbids: [{forbid}}}]")
    assert "Vehicle.Speed" not in plan_of(everywhere).collected
    but_here = bent(POLICY, "forbids: []", f"forbids: [{forbid}, except: [study]}}]")
    assert "Vehicle.Speed" in plan_of(but_here).collected
    unknown = bent(POLICY, "forbids: []", f"forbids: [{forbid}, except: [studdy]}}]")
    assert "the forbid excepts an unknown purpose (here: studdy)" in messages(unknown)
    on_page = bent(PAGE, "forbids: []", f"forbids: [{forbid}, except: [study]}}]")
    assert "a purpose's forbid has `except`" in messages(on_page)


def test_an_end_that_lies_before_the_policy_is_warned_of() -> None:
    said_of = "ends before the policy begins"
    until = TEAM.replace("countries: [JP]", "countries: [JP], until: 2026-10-01")
    (said,) = [str(one) for one in warnings(bent(PAGE, TEAM, until)) if said_of in one.message]
    assert said == (
        "purposes/study.yaml:9:89: warning: `team` receives nothing: it ends before the policy "
        "begins (here: 2026-10-01); remove the recipient, or date its `until` later"
    )
    later = TEAM.replace("countries: [JP]", "countries: [JP], until: 2026-10-02")
    assert not [one for one in warnings(bent(PAGE, TEAM, later)) if said_of in one.message]
    cell = bent(PAGE, C11, f"{C11}    until: 2026-09-01\n")
    (of_cell,) = [str(one) for one in warnings(cell) if said_of in one.message]
    assert "the cell passes nothing" in of_cell and "(here: 2026-09-01)" in of_cell


def test_a_fact_stands_in_one_category() -> None:
    twice = bent(
        "categories.yaml",
        "signals: [Vehicle.Speed]",
        "facts: {vehicle_class: {ja: 車両, en: vehicle}}, signals: [Vehicle.Speed]",
    )
    assert "a fact is listed twice (here: vehicle_class)" in messages(twice)


def test_frames_and_pids_are_words_of_the_language() -> None:
    frames = bent(
        "categories.yaml",
        "signals: [Vehicle.OBD.**]",
        "signals: [Vehicle.OBD.**], frames: [can0 0x7E8 mux 2]",
    )
    assert any("raw frames of C11 are not carried yet" in w.message for w in warnings(frames))
    odd = bent(
        "categories.yaml",
        "signals: [Vehicle.OBD.**]",
        "signals: [Vehicle.OBD.**], frames: [can0 7E8]",
    )
    assert "as `can0 0x7E8 mux 2`" in messages(odd)
    pid = bent(
        "categories.yaml", "signals: [Vehicle.OBD.**]", "signals: [Vehicle.OBD.**], pids: [RMP]"
    )
    assert "no signal of the catalogue has this PID (here: RMP)" in messages(pid)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (PAGE, f"  - {TEAM}", f"  - {TEAM}\n  - {TEAM.replace('team,', 'desk,', 1)}", None),
        (
            PAGE,
            C11,
            f"{C11}    basis: {{kind: published, notice: study@1}}\n",
            "the cell repeats its purpose's basis",
        ),
        (
            PAGE,
            C11,
            f"{C11}    only: [Vehicle.OBD.**, Vehicle.OBD.FuelLevel]\n",
            "another line covers this one",
        ),
        (PAGE, C11, "  C06:\n    precision: P0\n", "a precision changes nothing here"),
    ],
)
def test_lines_that_change_nothing_are_told(
    file: str, old: str, new: str, message: str | None
) -> None:
    told = [problem.message for problem in warnings(bent(file, old, new))]
    assert message is None or any(message in one for one in told)


def test_a_notice_nobody_rests_on_is_told() -> None:
    spare = FILES["notices/study@1.yaml"].replace("study@1", "spare@1")
    found = compiled({**FILES, "notices/spare@1.yaml": spare}).problems
    assert [p.value for p in found if "no basis rests on this notice" in p.message] == ["spare@1"]
    assert {p.severity for p in found} == {Severity.WARNING}


CONSENT = "basis: {kind: opt_in, notice: study@1}"
ERASE = "    on_withdrawal: erase\n"


def test_cells_that_leave_in_one_record_are_treated_alike_by_a_withdrawal() -> None:
    asked = bent(PAGE, "basis: {kind: published, notice: study@1}", CONSENT)
    assert errors(asked) == []
    one = changed(asked, PAGE, C11, C11 + ERASE)
    assert messages(one) == (
        "purposes/study.yaml:21:3: error: C11 shares its consent and its period with a cell that a "
        "withdrawal treats otherwise, and leaves in one record with it (here: erase); write the "
        "same `on_withdrawal` in both, or give them different periods"
    )
    both = changed(one, PAGE, "  C09:\n", f"  C09:\n{ERASE}")
    assert errors(both) == []
    apart = changed(
        one, PAGE, f"{C11}{ERASE}    keep: {{at_most: 12", f"{C11}{ERASE}    keep: {{at_most: 11"
    )
    assert errors(apart) == []
    other = changed(one, PAGE, C11, f"{C11}    basis: {{kind: location, notice: study@1}}\n")
    assert errors(other) == []


@pytest.mark.parametrize(
    ("written", "compiled"),
    [("", "keep_before"), ("    on_withdrawal: keep_before\n", "keep_before"), (ERASE, "erase")],
)
def test_a_cell_on_consent_keeps_what_was_before_unless_it_says_otherwise(
    written: str, compiled: str
) -> None:
    plan = plan_of(bent(PAGE, "precision: P2\n", f"precision: P2\n{written}"))
    assert {cell.category: cell.on_withdrawal for cell in plan.cells} == {
        "C07": compiled, "C09": None, "C11": None,
    }  # fmt: skip


UNSTATED = "unstated: {service: car, source: obd, because: of before names, cites: [C1-04]}, "


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        (UNSTATED.replace("car", "lorry"), "does not list (here: lorry); write one of: car, van"),
        (UNSTATED.replace("obd", "app"), "does not list (here: app); write one of: can, obd"),
        ("unstated: {because: of before names, cites: [C1-04]}, ", "says nothing of what is"),
    ],
)
def test_what_is_unstated_counts_as_something_listed(instead: str, message: str) -> None:
    assert message in messages(bent(POLICY, UNSTATED, instead))


def test_a_name_that_the_wire_cannot_carry_is_refused() -> None:
    for part, name in (("[car, van]", "v"), ("[obd, can]", "s")):
        long = part.replace("]", f", {name * 33}]")
        assert "too long for the wire" in messages(bent(POLICY, part, long))
        assert errors(bent(POLICY, part, part.replace("]", f", {name * 32}]"))) == []


def test_a_document_that_says_nothing_of_what_is_unstated_admits_none_of_it() -> None:
    silent, said = plan_of(bent(POLICY, UNSTATED, "")), plan_of(dict(FILES))
    assert (said.takes_source(None), said.takes_service(None)) == (True, True)
    assert (silent.takes_source(None), silent.takes_service(None)) == (False, False)
    assert silent.takes_source("obd") and silent.takes_service("van")
    assert not silent.takes_source("app") and not silent.takes_service("lorry")
    only_service = plan_of(bent(POLICY, UNSTATED, UNSTATED.replace("source: obd, ", "")))
    assert (only_service.takes_source(None), only_service.takes_service(None)) == (False, True)


def test_services_sources_and_what_is_unstated_are_part_of_the_policys_version() -> None:
    others = [
        bent(POLICY, "[car, van]", "[car]"),
        bent(POLICY, "[obd, can]", "[obd]"),
        bent(POLICY, UNSTATED, ""),
        bent(POLICY, UNSTATED, UNSTATED.replace("car", "van")),
        bent(POLICY, UNSTATED, UNSTATED.replace("obd", "can")),
    ]
    digests = {plan_of(files).digest for files in (dict(FILES), *others)}
    assert len(digests) == 1 + len(others)
