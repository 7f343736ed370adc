import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.compiled import CompiledPolicy
from policy.compiler.compile import compile_plan
from policy.diff.change import ChangeKind
from policy.diff.diff import diff
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from telemetry.instants import Grain
from tests.policy.versions.lines import STUDY, bent, difference, sentences, with_page
from tests.support.documents import FILES, policy_of
from tests.support.times import examples

LONGER = ("12 months, from: reading", "36 months, from: reading")
APPROVED = """
approvals:
  - {change: C09 36 months (was 12), decision: applies_to_new_data, by: privacy_officer, on: 2026-09-20}
  - {change: C11 36 months (was 12), decision: applies_to_new_data, by: privacy_officer, on: 2026-09-20}
"""
LAB = "  - {id: lab, class: processor, who: {ja: 実験室, en: the laboratory}, countries: [JP]}\ncells:"


def test_a_policy_beside_itself_changes_nothing() -> None:
    assert difference(FILES).changes == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            *LONGER,
            "study may now keep Vehicle.Speed 36 months (was 12): LENGTHENS, NEEDS_DECISION",
        ),
        (
            "12 months, from",
            "200 days, from",
            "study may keep only Vehicle.Speed 200 days (was 12 months): SHORTENS",
        ),
        (
            "bucket 10 km/h",
            "bucket 5 km/h",
            (
                "study sees Vehicle.Speed finer: thin 10 s, bucket 5 km/h, time 1 s"
                " (was thin 10 s, bucket 10 km/h, time 1 s): FINER, NEEDS_DECISION"
            ),
        ),
        (
            "thin 10 s, bucket 10 km/h",
            "thin 1 min, bucket 10 km/h",
            (
                "study sees Vehicle.Speed coarser: thin 1 min, bucket 10 km/h, time 1 s"
                " (was thin 10 s, bucket 10 km/h, time 1 s): COARSER"
            ),
        ),
        (
            "thin 10 s, bucket 10 km/h",
            "thin 1 min, bucket 5 km/h",
            (
                "study sees Vehicle.Speed otherwise: thin 1 min, bucket 5 km/h, time 1 s"
                " (was thin 10 s, bucket 10 km/h, time 1 s): TREATS_OTHERWISE, NEEDS_DECISION"
            ),
        ),
        (
            "kind: location, notice",
            "kind: published, notice",
            (
                "study keeps Vehicle.CurrentLocation.Latitude and 1 more of C07 on basis published"
                " (was location): BASIS_CHANGED, NEEDS_DECISION"
            ),
        ),
        (
            "{kind: published, notice: study@1}",
            "{kind: opt_in, notice: study@1}",
            "study keeps Vehicle.Speed on basis opt_in (was published): BASIS_CHANGED",
        ),
        (
            "30 days, from: reading",
            "30 days, from: contract_end, cap: 30 days",
            (
                "study keeps Vehicle.CurrentLocation.Latitude and 1 more of C07 30 days from"
                " contract_end (was to no event): SHORTENS"
            ),
        ),
        (
            "epoch: 3 months",
            "epoch: 6 months",
            "study: team sees one pseudonym for 6 months (was 3 months): LENGTHENS, NEEDS_DECISION",
        ),
        (
            "countries: [JP]",
            "countries: [JP, US]",
            "study: team receives in US: LOOSENS, NEEDS_DECISION",
        ),
        (
            "class: internal",
            "class: processor",
            "study: team is processor (was internal): TREATS_OTHERWISE, NEEDS_DECISION",
        ),
        (
            "dpv: dpv:ResearchAndDevelopment",
            "dpv: dpv:AcademicResearch",
            (
                "study: its purpose is dpv:AcademicResearch (was dpv:ResearchAndDevelopment)"
                ": LOOSENS, NEEDS_DECISION"
            ),
        ),
    ],
)
def test_every_kind_of_change_is_a_sentence(old: str, new: str, sentence: str) -> None:
    assert sentence in sentences(bent(old, new))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "services: [car, van]",
            "services: [car, van, bus]",
            "the policy covers services: added bus: LOOSENS, NEEDS_DECISION",
        ),
        (
            "sources: [obd, can]",
            "sources: [obd]",
            "the policy covers sources: removed can: TIGHTENS",
        ),
        (
            "unstated: {service: car, source: obd,",
            "unstated: {service: car,",
            "what names no source is not admitted (was as obd): TIGHTENS",
        ),
        (
            "unstated: {service: car, source: obd,",
            "unstated: {service: van, source: obd,",
            "what names no service counts as van (was as car): TREATS_OTHERWISE, NEEDS_DECISION",
        ),
    ],
)
def test_every_change_of_the_scope_is_a_sentence(old: str, new: str, sentence: str) -> None:
    assert sentences(bent(old, new, "policy.yaml")) == [sentence]


def test_a_policy_that_says_nothing_of_what_is_unstated_is_widened_by_saying_it() -> None:
    silent = bent(
        "unstated: {service: car, source: obd, because: of before names, cites: [C1-04]}, ",
        "",
        "policy.yaml",
    )
    assert sentences(dict(FILES), silent) == [
        "what names no service counts as car (was not admitted): LOOSENS, NEEDS_DECISION",
        "what names no source counts as obd (was not admitted): LOOSENS, NEEDS_DECISION",
    ]


def test_a_finer_mesh_is_finer_and_a_coarser_one_coarser() -> None:
    (finer,) = difference(bent("precision: P2", "precision: P0")).changes
    assert (finer.kind, finer.widens, len(finer.items)) == (ChangeKind.FINER, True, 2)
    (back,) = difference(FILES, bent("precision: P2", "precision: P0")).changes
    assert (back.kind, back.widens) == (ChangeKind.COARSER, False)


def test_a_new_recipient_is_one_change_and_needs_a_decision() -> None:
    (change,) = difference(bent("cells:", LAB)).changes
    assert (change.kind, change.recipient) == (ChangeKind.RECIPIENT, "lab")
    # Position rests on a consent to study@1, and whoever gave it did not read of a laboratory.
    assert change.sentence.endswith(
        "NEW_RECIPIENT, NEEDS_NEW_NOTICE (write study@2 in place of study@1)"
    )
    (gone,) = difference(FILES, bent("cells:", LAB)).changes
    assert (gone.kind, gone.widens) == (ChangeKind.CLOSES, False)


def test_more_time_after_an_event_lengthens_even_under_the_same_cap() -> None:
    ended = ("30 days, from: reading", "20 days, from: contract_end, cap: 30 days")
    later = ("30 days, from: reading", "25 days, from: contract_end, cap: 30 days")
    (change,) = difference(bent(*later), bent(*ended)).changes
    assert (change.kind, change.undecided) == (ChangeKind.LENGTHENS, True)
    assert "25 days from contract_end (was 20 days from contract_end)" in change.sentence


def test_a_signal_that_leaves_a_category_leaves_its_forbids_and_is_seen() -> None:
    minors = "forbids: [{category: C09, when: {role: minor}, because: a word, cites: [C1-03]}]"
    inside = {
        **bent("forbids: []", minors),
        "categories.yaml": FILES["categories.yaml"].replace(
            "[Vehicle.Speed]", "[Vehicle.Speed, Vehicle.OBD.FuelLevel]"
        ),
    }
    (change,) = difference(bent("forbids: []", minors), inside).undecided
    assert change.sentence == (
        "study keeps Vehicle.OBD.FuelLevel as C11 (was C09): TREATS_OTHERWISE, NEEDS_DECISION"
    )


def test_a_fact_that_no_plan_carries_is_compared_too() -> None:
    cell = """cells:
  C06:
    precision: P0
    keep: {at_most: 12 months, from: reading, because: {ja: 車両の種別を知るため, en: kinds of vehicle}}
    cites: [C2-08]"""
    new = bent("cells:", cell)
    assert [s for s in sentences(new) if "vehicle_class" in s] == [
        "study may now keep vehicle_class 12 months (records, exact, time 1 s): OPENS, NEEDS_DECISION"
    ]


def test_an_approval_of_these_very_words_decides() -> None:
    approved = with_page(FILES[STUDY].replace(*LONGER) + APPROVED)
    found = difference(approved)
    assert not found.undecided
    assert found.changes[0].sentence.endswith("LENGTHENS, decided by privacy_officer on 2026-09-20")


def test_an_approval_of_other_words_decides_nothing() -> None:
    other = APPROVED.replace("36 months", "24 months")
    assert len(difference(with_page(FILES[STUDY].replace(*LONGER) + other)).undecided) == 2


def test_an_approval_decides_once() -> None:
    approved_before = with_page(FILES[STUDY] + APPROVED)
    again = with_page(FILES[STUDY].replace(*LONGER) + APPROVED)
    assert len(difference(again, approved_before).undecided) == 2


def test_a_removed_forbid_widens_unless_a_wider_one_takes_its_place() -> None:
    narrow = bent(
        "forbids: []", "forbids: [{category: [C10], because: none of it, cites: [C1-03]}]"
    )
    wide = bent("forbids: []", "forbids: [{category: [C10, C06], because: a word, cites: [C1-03]}]")
    assert [c.kind for c in difference(FILES, narrow).undecided] == [ChangeKind.LOOSENS]
    assert not difference(wide, narrow).undecided
    assert [c.kind for c in difference(narrow, wide).undecided] == [ChangeKind.LOOSENS]


@pytest.mark.parametrize(
    ("fewer", "more"),
    [
        ("when: {role: minor}", "when: {role: [minor, unknown]}"),
        ("category: C09, except: [study]", "category: C09"),
    ],
)
def test_a_role_more_or_an_exception_less_forbids_more(fewer: str, more: str) -> None:
    less, full = (
        bent(
            "forbids: []", f"forbids: [{{{named}, because: a word, cites: [C1-03]}}]", "policy.yaml"
        )
        for named in (fewer, more)
    )
    loosened = difference(less, full).undecided
    assert ChangeKind.LOOSENS in {change.kind for change in loosened}
    tightened = {change.kind for change in difference(full, less).changes}
    assert ChangeKind.LOOSENS not in tightened
    assert ChangeKind.TIGHTENS in tightened


def test_one_exception_of_two_that_goes_is_no_widening() -> None:
    other = FILES[STUDY].replace("purpose: study", "purpose: other")
    one, both = (
        bent(
            "forbids: []",
            f"forbids: [{{category: C09, except: {left_out}, because: a word, cites: [C1-03]}}]",
            "policy.yaml",
        )
        | {"purposes/other.yaml": other}
        for left_out in ("[study]", "[study, other]")
    )
    assert not [c for c in difference(one, both).changes if c.kind is ChangeKind.LOOSENS]
    assert [c.kind for c in difference(both, one).undecided if c.kind is ChangeKind.LOOSENS]


def test_what_holds_for_the_whole_policy_is_compared() -> None:
    new = bent(
        "outside: {to: [third_party, joint_user]", "outside: {to: [third_party]", "policy.yaml"
    )
    new = {
        **new,
        "policy.yaml": new["policy.yaml"].replace(
            "raw: {topic_at_most: 24", "raw: {topic_at_most: 48"
        ),
    }
    assert sentences(new) == [
        "positions to joint_user have no bound any more: LOOSENS, NEEDS_DECISION",
        "telemetry.raw keeps data for 2 days (was 1 day): LENGTHENS, NEEDS_DECISION",
    ]


@pytest.mark.parametrize("delivery", ["records", "aggregate"])
def test_the_class_of_a_recipient_is_compared_whatever_way_it_receives(delivery: str) -> None:
    how = {
        "records": "{mode: records}",
        "aggregate": "{mode: aggregate, at_least: 10, window: 1 month}",
    }[delivery]
    head, _, _ = FILES[STUDY].partition("cells:")
    head = head.replace("{form: pseudonym, of: link, epoch: 3 months}", "{form: none}")
    head = head.replace("{mode: stream, release: live, because: people wait for it}", how)
    category = "  C06:\n" if delivery == "records" else "  C11:\n    precision: P0\n"
    cell = (
        f"cells:\n{category}    keep: {{at_most: 12 months, from: reading, "
        "because: {ja: 例, en: an example}}\n    cites: [C2-08]\n"
    )
    old = {file: text for file, text in with_page(head + cell).items() if "cases/" not in file}
    new = {**old, STUDY: old[STUDY].replace("class: internal", "class: processor")}
    assert sentences(new, old) == [
        "study: team is processor (was internal): TREATS_OTHERWISE, NEEDS_DECISION"
    ]


def one_more(old: str, new: str, file: str, *, of: dict[str, str]) -> dict[str, str]:
    assert old in of[file]
    return {**of, file: of[file].replace(old, new)}


def test_a_term_less_of_analytics_loosens_and_one_more_tightens() -> None:
    more = bent(
        "[dpv:CommercialResearch]", "[dpv:CommercialResearch, dpv:Marketing]", "policy.yaml"
    )
    said = "analytics are purposes of: {} dpv:Marketing: {}"
    assert sentences(FILES, more) == [said.format("removed", "LOOSENS, NEEDS_DECISION")]
    assert sentences(more) == [said.format("added", "TIGHTENS")]


def test_a_signal_that_may_tell_the_way_again_loosens() -> None:
    speed, both = (
        bent("signals: [Vehicle.Speed]", f"signals: [Vehicle.Speed], position_like: [{named}]",
             "categories.yaml")
        for named in ("Vehicle.Speed", "Vehicle.Speed, Vehicle.OBD.EngineSpeed")
    )  # fmt: skip
    page = FILES[STUDY].replace("precision: P2", "precision: P0")
    speed, both = {**speed, STUDY: page}, {**both, STUDY: page}
    said = "signals that can reveal a route: {} Vehicle.OBD.EngineSpeed: {}"
    assert sentences(speed, both) == [said.format("removed", "LOOSENS, NEEDS_DECISION")]
    assert sentences(both, speed) == [said.format("added", "TIGHTENS")]
    branch = one_more("like: [Vehicle.Speed]", "like: [Vehicle.**]", "categories.yaml", of=speed)
    assert not difference(branch, both).undecided


def test_a_country_that_counts_as_home_loosens() -> None:
    on = bent("scope:", "profiles: {jp-appi-2022: true}\nscope:", "policy.yaml")
    wider = one_more("home: [JP]", "home: [JP, KR]", "profiles.yaml", of=on)
    assert sentences(wider, on) == ["home countries: added KR: LOOSENS, NEEDS_DECISION"]
    assert sentences(on, wider) == ["home countries: removed KR: TIGHTENS"]


named = (
    st.sets(st.sampled_from(["team", "internal", "third_party"])),
    st.sets(st.sampled_from(["C06", "C07", "C09", "C10", "C11"])),
)


@settings(deadline=None, max_examples=examples(30))
@given(forbids=st.lists(st.tuples(*named).filter(any), min_size=1, max_size=3))
def test_adding_a_forbid_is_never_a_widening(forbids: list[tuple[set[str], set[str]]]) -> None:
    lines = "".join(
        f"  - {{to: [{', '.join(sorted(to))}], category: [{', '.join(sorted(categories))}],"
        " because: a reason, cites: [C1-03]}\n"
        for to, categories in forbids
    )
    assert not difference(bent("forbids: []", f"forbids:\n{lines}")).undecided


def test_ends_dated_more_finely_by_the_installation_are_compared_as_dated() -> None:
    """Both versions end to the hour here, though one document alone asks for it."""
    finely = Limits(grain_at_most=Grain.HOUR)
    asked = bent("at_most: 12 months,", "at_most: 12 months, grain: hour,")
    assert diff(policy_of(), policy_of(asked)).changes
    assert diff(policy_of(limits=finely), policy_of(asked, finely)).changes == ()


def shipped(**bent_files: tuple[str, str]) -> CompiledPolicy:
    files = load_files(shipped_policy_path())
    for file, (old, new) in bent_files.items():
        folders = ("", "purposes/", "notices/")
        name = next(f"{one}{file}.yaml" for one in folders if f"{one}{file}.yaml" in files)
        assert old in files[name], f"{old!r} is not in {name}"
        files[name] = files[name].replace(old, new)
    document = parse(files)
    assert isinstance(document, Document), [str(problem) for problem in document]
    policy = compile_plan(document, load_catalogue(), Limits()).policy
    assert policy is not None
    return policy


@pytest.fixture(scope="module")
def before() -> CompiledPolicy:
    return shipped()


def test_the_shipped_document_beside_itself_changes_nothing(before: CompiledPolicy) -> None:
    assert diff(before, shipped()).changes == ()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("management_statistics", "at_least: 10", "at_least: 20", "COARSER"),
        ("management_statistics", "window: 1 month", "window: 2 months", "TREATS_OTHERWISE, NEEDS_DECISION"),
        ("management_statistics", "bucket 10 km/h", "bucket 5 km/h", "TREATS_OTHERWISE, NEEDS_DECISION"),
        ("sales_outreach", "cap: 24 months", "cap: 36 months", ("36 months (was 24): LENGTHENS, "
         "NEEDS_NEW_NOTICE (write sales_outreach@2 in place of sales_outreach@1)")),
        ("sales_outreach", "at_most: 7 days, from: opt_out", "at_most: 60 days, from: opt_out",
         ("60 days from opt_out (was 7 days from opt_out): LENGTHENS, "
         "NEEDS_NEW_NOTICE (write sales_outreach@2 in place of sales_outreach@1)")),
        ("policy", "subjects: [customer, driver", "subjects: [customer, passenger, driver",
         "the policy covers subjects: added passenger: LOOSENS, NEEDS_DECISION"),
        ("policy", "items: [name, address, email", "items: [name, address, email, fax",
         "joint use covers items: added fax: LOOSENS, NEEDS_DECISION"),
        ("policy", "joint_use@1", "device_registry@1",
         "joint use is announced in device_registry@1 (was joint_use@1): TREATS_OTHERWISE, NEEDS_DECISION"),
        ("policy", "representative: {ja: 見本花子", "representative: {ja: 見本次郎", "TREATS_OTHERWISE, NEEDS_DECISION"),
        ("policy", "jp-telecom: true", "jp-telecom: false", "profile jp-telecom is off: LOOSENS, NEEDS_DECISION"),
    ],
)  # fmt: skip
def test_what_never_enters_a_topic_is_compared_too(
    before: CompiledPolicy, file: str, old: str, new: str, said: str
) -> None:
    found = [change.sentence for change in diff(before, shipped(**{file: (old, new)})).changes]
    assert any(sentence.endswith(said) for sentence in found), found
