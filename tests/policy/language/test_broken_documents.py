"""Documents broken as a newcomer would break them: the message alone must suffice to fix them."""

import pytest

from policy.language.document import Document
from policy.language.parse import parse
from policy.language.problems import brief
from tests.support.documents import FILES, bent, errors

POLICY = "policy.yaml"
CATEGORIES = "categories.yaml"
PRECISION = "precision.yaml"
PAGE = "purposes/study.yaml"
NOTICE = "notices/study@1.yaml"
CASES = "cases/study.yaml"

# file, the right text, what a newcomer writes, every error that shows
BROKEN: list[tuple[str, str, str, list[str]]] = [
    (POLICY, "effective: 2026-10-01", "effective: soon", [
        "policy.yaml:3:12: error: `effective` is not a date, as 2026-12-01 (here: soon); write a date, as 2026-12-01",
    ]),
    (POLICY, "version: 1", "verson: 1", [
        "policy.yaml:1:1: error: `version` is missing; add `version: …`",
        "policy.yaml:2:1: error: `verson` is not a key here; write `version`, or one of: policy, version, effective, zone, supersedes, controller, scope, profiles, raw, ledger, transport, outside, analytics, joint_use, public_information, combine, forbids, approvals",
    ]),
    (POLICY, "version: 1", "version: one", [
        "policy.yaml:2:10: error: `version` is not a whole number (here: one); write a whole number",
    ]),
    (POLICY, "version: 1", "version: 1\nversion: 2", [
        'policy.yaml:3:1: error: found duplicate key "version"; remove one of the two lines',
    ]),
    (POLICY, "policy: small", "policy: [small", [
        "policy.yaml:2:8: error: not readable as YAML 1.2: expected ',' or ']', but got ':'; fix the syntax here: put a text with `: ` or `, ` into \"quotes\", close brackets",
    ]),
    (POLICY, "policy: small", "policy: Small Policy", [
        "policy.yaml:1:9: error: `policy` is not written as expected (here: Small Policy); write small letters, digits and -, as `connected-car-jp`",
    ]),
    (POLICY, "forbids: []", "forbids: [{because: no reason, cites: [X-1]}]", [
        "policy.yaml:9:11: error: a forbid names nothing; add `to`, `category`, `signal`, `join` or `when`",
    ]),
    (POLICY, "forbids: []", "forbids: [{to: [insurer], because: no reason, cites: [X-1]}]", [
        "policy.yaml:9:11: error: the forbid names an unknown recipient (here: insurer); write a recipient's id or a class of recipients",
    ]),
    (POLICY, "forbids: []", "forbids: [{category: C99, because: no reason, cites: [X-1]}]", [
        "policy.yaml:9:11: error: the forbid names an unknown category (here: C99); write a category of categories.yaml",
    ]),
    (POLICY, "forbids: []", "forbids: [{signal: Vehicle.Sped, because: no reason, cites: [X-1]}]", [
        "policy.yaml:9:11: error: the forbid names no known signal (here: Vehicle.Sped); write a path of the signal catalogue, or a branch ending in .**",
    ]),
    (POLICY, "raw: {topic_at_most: 24 hours", "raw: {topic_at_most: 7 minutes", [
        "policy.yaml:5:1: error: no segment settings keep this promise: the broker itself adds 6 min (here: 7 minutes); promise at least 13 minutes, or let the broker check and delete sooner",
    ]),
    (POLICY, "location_at_least: P3", "location_at_least: P9", [
        "policy.yaml:8:61: error: unknown precision (here: P9); write one of: P0, P2, P3, P5",
    ]),
    (POLICY, "dpv: [dpv:CommercialResearch]", "dpv: [dpv:CommercialReserch]", [
        "policy.yaml:11:19: error: `dpv`: not a known purpose of the W3C Data Privacy Vocabulary (here: dpv:CommercialReserch); write `dpv:CommercialResearch`, or another term of policy/vocabulary/dpv_terms.py",
    ]),
    (PAGE, "dpv: dpv:ResearchAndDevelopment", "dpv: dpv:ResearchAndDevelopement", [
        "purposes/study.yaml:3:6: error: `dpv`: not a known purpose of the W3C Data Privacy Vocabulary (here: dpv:ResearchAndDevelopement); write `dpv:ResearchAndDevelopment`, or another term of policy/vocabulary/dpv_terms.py",
    ]),
    (PAGE, "dpv: dpv:ResearchAndDevelopment", "dpv: dpv:Zzz", [
        "purposes/study.yaml:3:6: error: `dpv`: not a known purpose of the W3C Data Privacy Vocabulary (here: dpv:Zzz); write another term of policy/vocabulary/dpv_terms.py",
    ]),
    (CATEGORIES, "signals: [Vehicle.Speed]", "signals: [Vehicle.Sped]", [
        "categories.yaml:6:47: error: no signal of the catalogue has this path (here: Vehicle.Sped); write `Vehicle.Speed`, or a path of the signal catalogue, or a branch ending in .**",
    ]),
    (CATEGORIES, "signals: [Vehicle.OBD.**]", "signals: [Vehicle.OBD.**, Vehicle.Speed]", [
        "categories.yaml:8:68: error: a signal is in two categories (here: Vehicle.Speed); keep it in one category; C09 has it already",
    ]),
    (CATEGORIES, "signals: [Vehicle.OBD.**]", "signals: [Vehicle.OBD.**, Vehicle.OBD.FuelLevel, Vehicle.OBD.EngineSpeed]", [
        "categories.yaml:8:52: error: no signal is left for the pattern (here: Vehicle.OBD.**); remove the line; closer patterns name every signal of this branch",
    ]),
    (CATEGORIES, "signals: [Vehicle.OBD.**]", "signals: [Vehicle.OBD.**, Vehicle.VehicleIdentification.VIN]", [
        "categories.yaml:8:42: error: an identifying signal would be released (here: Vehicle.VehicleIdentification.VIN); put it into a category of its own that no purpose uses",
    ]),
    (PRECISION, "jis-mesh 500 m", "jis-mesh 600 m", [
        "precision.yaml:3:15: error: `space`: unknown mesh (here: jis-mesh 600 m); write a JIS X 0410 size (250 m, 500 m, 1000 m, 10000 m) or an H3 resolution (0 to 15)",
    ]),
    (PRECISION, "time: 10 min", "time: ten minutes", [
        "precision.yaml:3:37: error: `time`: not a count and a unit (here: ten minutes); write a whole number and a unit, as `10 min` (units: ms, s, min, h, day, days)",
    ]),
    (PRECISION, "time: 10 min", "time: 10 moments", [
        "precision.yaml:3:37: error: `time`: unknown unit `moments` (here: 10 moments); write a whole number and a unit, as `10 min` (units: ms, s, min, h, day, days)",
    ]),
    (PRECISION, "exact", "precise", [
        "precision.yaml:2:15: error: `space`: unknown kind of space (here: precise); write `exact`, `jis-mesh 500 m`, `h3 8` or `prefecture`",
    ]),
    (PAGE, "    keep: {at_most: 12 months, from: reading, because: {ja: 負荷を知るため, en: load profiles}}\n    cites: [C2-08]\n  C11", "    cites: [C2-08]\n  C11", [
        "purposes/study.yaml:16:3: error: `keep` is missing; add `keep: {at_most: 24 months, from: reading, because: {ja: 季節を比べるため, en: seasons are compared}}`",
    ]),
    (PAGE, "C07:\n    basis: {kind: location, notice: study@1}\n    precision: P2", "C07:\n    precision: P7", [
        "purposes/study.yaml:12:16: error: unknown precision (here: P7); write one of: P0, P2, P3, P5",
    ]),
    (PAGE, "at_most: 30 days", "at_most: 30 fortnights", [
        "purposes/study.yaml:14:21: error: `at_most`: unknown unit `fortnights` (here: 30 fortnights); write a whole number and a unit, as `24 months` (units: minutes, hours, days, months, years, minute, hour, day, month, year)",
    ]),
    (PAGE, "at_most: 30 days, from: reading", "at_most: 30 days, from: birthday", [
        "purposes/study.yaml:14:36: error: `from` has no such value (here: birthday); write 'reading', 'ingest', 'trip_end', 'contract_end', 'link_end', 'device_retired', 'opt_out', 'last_message', 'request_close', 'campaign_end', 'report', 'hand_over', 'study_end', 'enrolment_end', 'filing_date', 'filing_due', 'provision_end', 'consent_end' or 'consent_erased'",
    ]),
    (PAGE, "at_most: 30 days, from: reading", "at_most: 30 days, from: contract_end", [
        "purposes/study.yaml:14:5: error: `contract_end` may never come, so this period may never end (here: contract_end); add `cap: 400 days`, counted from the reading",
    ]),
    (PAGE, "at_most: 30 days, from: reading", "at_most: 30 days, from: reading, cap: 400 days", [
        "purposes/study.yaml:14:5: error: a cap without an open trigger (here: 400 days); remove `cap`: `reading` comes with every reading",
    ]),
    (PAGE, "at_most: 30 days, from: reading", "at_most: 30 days, from: reading, grain: month", [
        "purposes/study.yaml:14:52: error: the grain is coarser than a 24th of 30 days (here: month); write `grain: day` or finer",
    ]),
    (PAGE, "at_most: 30 days", "at_most: 5 days", [
        "policy.yaml:7:1: error: study keeps 5-days.10min no longer than its topic may keep data (here: 7 days); every record would be too late: shorten `topic_at_most` for this purpose",
    ]),
    (PAGE, "because: {ja: 場所を知るため, en: where it happens}}\n    cites: [C2-08]", "because: {ja: 場所を知るため, en: where it happens}}", [
        "purposes/study.yaml:11:3: error: `cites` is missing; add `cites: [C2-08, APPI-22]`",
    ]),
    (PAGE, "because: {ja: 場所を知るため, en: where it happens}}\n    cites: [C2-08]", "because: {ja: 場所を知るため, en: where it happens}}\n    cites: []", [
        "purposes/study.yaml:15:5: error: `cites` is empty; write at least one",
    ]),
    (PAGE, "notice: study@1}\nidentity", "notice: study@2}\nidentity", [
        "purposes/study.yaml:6:34: error: the basis names a notice that does not exist (here: study@2); add notices/study@2.yaml, or name one of: study@1",
    ]),
    (NOTICE, "effective: 2026-09-01", "effective: 2026-10-02", [
        "notices/study@1.yaml:2:12: error: the notice comes later than the policy that rests on it (2026-10-01) (here: 2026-10-02); publish the notice first: date it on or before the policy's `effective`",
    ]),
    (NOTICE, "notice: study@1", "notice: study@3", [
        "notices/study@1.yaml:1:9: error: the name of the file differs from the name in it (here: study@3); write `study@1` here, or name the file study@3.yaml",
    ]),
    (PAGE, "thin 10 s, bucket 10 km/h", "thin 10 s, bucket 10 mph", [
        "purposes/study.yaml:18:37: error: Vehicle.Speed is measured in km/h (here: bucket 10 mph); write `bucket 10 km/h`",
    ]),
    (PAGE, "thin 10 s, bucket 10 km/h", "thin 10 s, thin 1 in 2", [
        "purposes/study.yaml:18:10: error: Vehicle.Speed is thinned twice; keep one `thin`",
    ]),
    (PAGE, "thin 10 s, bucket 10 km/h", "blur 10 km/h", [
        "purposes/study.yaml:18:26: error: `Vehicle.Speed`: unknown operation `blur 10 km/h` (here: blur 10 km/h); write one of: keep, drop, round STEP unit, bucket WIDTH unit, thin N s, thin 1 in N, mesh jis N m, mesh h3 N, trim_trip_ends N m N min, hide_home_cells",
    ]),
    (PAGE, "thin 10 s, bucket 10 km/h", "bucket km/h", [
        "purposes/study.yaml:18:26: error: `Vehicle.Speed`: a number above zero is missing (here: bucket km/h); write for example `bucket 10 km/h`",
    ]),
    (PAGE, "thin 10 s, bucket 10 km/h", "mesh jis 500 m", [
        "purposes/study.yaml:18:26: error: a mesh takes latitude and longitude, not Vehicle.Speed (here: mesh jis 500 m); remove it from this line",
    ]),
    (PAGE, "{Vehicle.Speed: [", "{Vehicle.Sped: [", [
        'purposes/study.yaml:18:10: error: `do` names no signal here (here: Vehicle.Sped); write `Vehicle.Speed`, or a path this cell takes, a branch ending in .**, or "*"',
    ]),
    (PAGE, "  C11:\n    precision: P0", "  C10:\n    precision: P0\n    do: {Vehicle.OBD.DTCList: thin 10 s}", [
        "purposes/study.yaml:23:31: error: trouble codes come at one instant and cannot be thinned (here: thin 10 s); write `keep` or `drop`, and name the signals to thin instead of all",
    ]),
    (PAGE, "  C11:\n    precision: P0", "  C10:\n    precision: P0\n    do: {Vehicle.OBD.DTCList: round 1}", [
        "purposes/study.yaml:23:31: error: Vehicle.OBD.DTCList is no number (string) (here: round 1); write `keep` or `drop`",
    ]),
    (PAGE, "precision: P2\n", "precision: P2\n    on_withdrawal: forget\n", [
        "purposes/study.yaml:14:20: error: `on_withdrawal` has no such value (here: forget); write 'keep_before' or 'erase'",
    ]),
    (PAGE, "  C11:\n", "  C11:\n    on_withdrawal: erase\n", [
        "purposes/study.yaml:22:20: error: nobody can withdraw a consent here: the cell rests on `published` (here: erase); remove `on_withdrawal`, or give the cell a basis that is a consent",
    ]),
    (PAGE, "  C11:\n", "  C11:\n    on_withdrawal: keep_before\n", [
        "purposes/study.yaml:22:20: error: nobody can withdraw a consent here: the cell rests on `published` (here: keep_before); remove `on_withdrawal`, or give the cell a basis that is a consent",
    ]),
    (PAGE, "precision: P2\n    keep: {at_most: 30 days,", "precision: P2\n    on_withdrawal: erase\n    keep: {at_most: 30 days, at_least: 10 days,", [
        "purposes/study.yaml:14:20: error: a withdrawal would erase what `at_least` has to keep (here: erase); remove `at_least`, or write `on_withdrawal: keep_before`",
    ]),
    (PAGE, "basis: {kind: published, notice: study@1}", "basis: {kind: opt_in, notice: study@1}", []),
    (PAGE, "  C11:\n", "  C11:\n    basis: {kind: opt_in, notice: study@1}\n    on_withdrawal: erase\n", []),
    (PAGE, "  C11:", "  C19:", [
        "purposes/study.yaml:21:3: error: the cell names an unknown category (here: C19); write one of: C06, C07, C09, C10, C11",
    ]),
    (PAGE, "  C11:\n", "  C11:\n    to: [nobody]\n", [
        "purposes/study.yaml:22:10: error: unknown recipient (here: nobody); write one of: team",
    ]),
    (PAGE, "  C11:\n", "  C11:\n    only: [Vehicle.Speed]\n", [
        "purposes/study.yaml:22:12: error: `only` names no signal of C11 (here: Vehicle.Speed); write a path of the category, a branch ending in .**, or a fact",
    ]),
    (PAGE, "C07:\n", "C07:\n    only: [Vehicle.CurrentLocation.Latitude]\n", [
        "purposes/study.yaml:11:3: error: a mesh needs latitude and longitude together; treat latitude and longitude alike, in one cell",
    ]),
    (PAGE, "C07:\n", "C07:\n    do: {Vehicle.CurrentLocation.Latitude: round 0.1 degrees}\n", [
        "purposes/study.yaml:11:3: error: a mesh needs latitude and longitude together; treat latitude and longitude alike, in one cell",
        "purposes/study.yaml:12:44: error: Vehicle.CurrentLocation.Latitude is treated beside its mesh (here: jis-mesh 500 m); the precision's mesh is enough: leave only `thin` here",
    ]),
    (PAGE, "class: internal", "class: friend", [
        "purposes/study.yaml:9:23: error: `class` has no such value (here: friend); write 'subject', 'internal', 'processor', 'joint_user', 'third_party', 'successor', 'authority' or 'consumer_reporting'",
    ]),
    (PAGE, "class: internal", "class: third_party", [
        "purposes/study.yaml:11:3: error: `team` is a third party, which needs a consent to provision (here: location); write `basis: {kind: third_party, notice: ...}` for this cell",
        "purposes/study.yaml:13:16: error: Vehicle.CurrentLocation.Latitude would reach `team` (third_party) finer than P3: jis-mesh 1000 m and 1 h; write a precision at least as coarse as P3, or drop it",
        "purposes/study.yaml:13:16: error: Vehicle.CurrentLocation.Longitude would reach `team` (third_party) finer than P3: jis-mesh 1000 m and 1 h; write a precision at least as coarse as P3, or drop it",
        "purposes/study.yaml:16:3: error: `team` is a third party, which needs a consent to provision (here: published); write `basis: {kind: third_party, notice: ...}` for this cell",
        "purposes/study.yaml:21:3: error: `team` is a third party, which needs a consent to provision (here: published); write `basis: {kind: third_party, notice: ...}` for this cell",
    ]),
    (PAGE, "class: internal", "class: joint_user", [
        "purposes/study.yaml:13:16: error: Vehicle.CurrentLocation.Latitude would reach `team` (joint_user) finer than P3: jis-mesh 1000 m and 1 h; write a precision at least as coarse as P3, or drop it",
        "purposes/study.yaml:13:16: error: Vehicle.CurrentLocation.Longitude would reach `team` (joint_user) finer than P3: jis-mesh 1000 m and 1 h; write a precision at least as coarse as P3, or drop it",
    ]),
    (PAGE, "recipients:\n", "recipients:\n  - {id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]}\n", [
        "purposes/study.yaml:10:5: error: a recipient is listed twice (here: team); give each recipient an id of its own",
    ]),
    (PAGE, "seed: 第2(8)", "seed: 第2(8)\npart_of: nothing", [
        "purposes/study.yaml:5:10: error: part of an unknown purpose (here: nothing); write one of: study",
    ]),
    (PAGE, "epoch: 3 months", "epoch: for ever", [
        "purposes/study.yaml:7:46: error: `epoch`: not a count and a unit (here: for ever); write a whole number and a unit, as `3 months` (units: day, days, month, months)",
    ]),
    (PAGE, "delivery: {mode: stream, release: live, because: people wait for it}", "delivery: stream", [
        "purposes/study.yaml:5:11: error: `delivery` is not a mapping of keys to values (here: stream); write a mapping of keys to values",
    ]),
    (CASES, "expect: deliver", "expect: withhold because", [
        "cases/study.yaml:2:47: error: `expect`: not an outcome (here: withhold because); write `deliver`, `on_request`, `forbidden`, `open`, or `withhold` and one of: not_collected, not_in_purpose, suspended, no_link, no_consent, objected, erased, forbidden, ended, dropped, unsupported, too_late, unpaired, off_grid, trip_end, not_rebuilt, thinned, aggregated, oversized_output",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "expected"), BROKEN)
def test_a_broken_document_says_what_to_fix(
    file: str, old: str, new: str, expected: list[str]
) -> None:
    assert errors(bent(file, old, new)) == expected


def test_all_errors_show_at_once_not_the_first_only() -> None:
    files = {
        **FILES,
        **_broken(POLICY, "version: 1", "version: one"),
        **_broken(PAGE, "30 days", "30"),
    }
    assert {error.split(":")[0] for error in errors(files)} == {POLICY, PAGE}


def test_compile_errors_of_several_files_show_together() -> None:
    files = {
        **_broken(PAGE, "precision: P2", "precision: P9"),
        **_broken(POLICY, "least: P3", "least: P8"),
    }
    found = errors({**FILES, **files})
    assert [error.split(": ")[2].split(" (")[0] for error in found] == ["unknown precision"] * 2


@pytest.mark.parametrize(
    "name", [POLICY, CATEGORIES, PRECISION, "authorities.yaml", "clauses.yaml", "profiles.yaml"]
)
def test_a_missing_file_is_named(name: str) -> None:
    files = {file: text for file, text in FILES.items() if file != name}
    assert errors(files) == [f"{name}:1:1: error: the file is missing (here: {name}); add {name}"]


def test_a_file_nobody_reads_is_refused() -> None:
    (error,) = errors({**FILES, "purpose/other.yaml": "a: 1"})
    assert error.startswith("purpose/other.yaml:1:1: error: not a file of a policy document")


def test_a_policy_without_purposes_is_refused() -> None:
    files = {name: text for name, text in FILES.items() if name not in (PAGE, CASES)}
    assert any("the policy has no purpose" in error for error in errors(files))


def test_cases_of_no_purpose_are_refused() -> None:
    (error,) = errors({**FILES, "cases/studdy.yaml": FILES[CASES]})
    assert error.startswith("cases/studdy.yaml:1:1: error: cases of no purpose (here: studdy)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " * 0 + "[" * 40 + "]" * 40, "too deeply nested"),
        ("a: !secret x", "a tag or a kind of value"),
        ("x" * 300_000, "the file is too long"),
        ("a: &a [1]\n" + "".join(f"b{i}: *a\n" for i in range(12_000)), "too large"),
        ("--- 1\n--- 2", "not readable as YAML 1.2"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, message: str) -> None:
    assert any(message in error for error in errors({**FILES, "precision.yaml": text}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 1_000, "too deeply nested"),
        ("a: \x00", "not readable as YAML 1.2"),
        ("a: 2026-13-45", "not readable as YAML 1.2"),
        ("a: " + "1" * 5_000, "not readable as YAML 1.2"),
    ],
    ids=["nested", "control", "day", "digits"],
)
def test_what_the_reader_itself_gives_up_on_is_a_problem(text: str, message: str) -> None:
    (only,) = (said for said in errors({**FILES, POLICY: text}) if said.startswith(POLICY))
    assert message in only


@pytest.mark.parametrize(
    "value",
    [
        "!!timestamp nonsense", "2026-13-40", "2026-01-01T99:00:00Z", "!!int x", "!!float x",
        "!!binary x", "!!bool maybe", "9" * 5_000, "!!int 1:99:99", "[" * 3_000 + "]" * 3_000,
        "[" * 70 + "]" * 70, "\x07", "&x [*x]", "&x {y: *x}", "*none", "!!map x", '"\\U00110000"',
        '"\\xZZ"', "!foo x", ".nan", "1e999", "{a: 1, a: 2}",
    ],
    ids=lambda value: value[:24].encode("unicode_escape").decode(),
)  # fmt: skip
def test_what_cannot_be_built_is_a_problem_at_its_own_line_and_column(value: str) -> None:
    (only,) = (
        one for one in errors(bent(POLICY, "forbids: []", f"forbids: {value}"))
        if one.startswith(POLICY)
    )  # fmt: skip
    line, column = map(int, only.split(":")[1:3])
    assert line == 9
    assert column >= 10


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("forbids: []", "forbids: !list []", "error: a tag"),
        ("forbids: []", "forbids: !!set {a}", "error: a tag or a kind of value"),
        ("forbids: []", "forbids: !!omap [a: 1]", "error: a tag or a kind of value"),
        ("forbids: []", "forbids: !!binary aGk=", "error: a tag or a kind of value"),
        ("forbids: []", "forbids: .nan", "(here: nan)"),
        ("forbids: []", "forbids: {? [a, b] : c}", "a key that is no plain text"),
        ("forbids: []", "forbids: {true: c}", "a key that is no plain text"),
        ("forbids: []", "forbids: {null: c}", "a key that is no plain text"),
        ("forbids: []", "forbids: {1: a, '1': b}", 'found duplicate key "1"; remove one'),
        ("forbids: []", "forbids: {<<: {a: b}, c: d}", "a merge key is not read here (here: <<)"),
        ("policy: small", "<<: {policy: small}", "a merge key is not read here (here: <<)"),
    ],
    ids=["tagged list", "set", "ordered map", "binary", "no number", "list as key", "truth as key",
         "nothing as key", "number and text", "merge key", "merge alone"],
)  # fmt: skip
def test_what_is_beyond_plain_values_is_a_problem(old: str, new: str, said: str) -> None:
    (only,) = (one for one in errors(bent(POLICY, old, new)) if one.startswith(POLICY))
    assert said in only


def test_an_anchored_truth_value_is_one() -> None:
    (error,) = errors(bent(POLICY, "forbids: []", "forbids: &all true"))
    assert "`forbids` is not a list" in error


def test_yes_is_a_word_and_no_truth_value() -> None:
    (error,) = errors(bent(POLICY, "forbids: []", "profiles: {jp-appi-2022: yes}"))
    assert "`jp-appi-2022` is not true or false (here: yes)" in error


def test_a_long_value_is_cut_in_the_message() -> None:
    assert brief("x" * 500).endswith("x…")
    assert len(brief("x" * 500)) == 80


def test_the_small_document_is_well_formed() -> None:
    assert isinstance(parse(FILES), Document)


def _broken(file: str, old: str, new: str) -> dict[str, str]:
    return {file: bent(file, old, new)[file]}
