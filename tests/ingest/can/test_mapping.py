"""Every key of a map applies or is refused, and a value is judged before it is rounded."""

import pytest

from ingest.can.mapping import Unfit, parse_map
from ingest.range import within
from ingest.refused import Refused
from tests.ingest.captures import CATALOGUE

FLOAT = "path: Vehicle.Powertrain.TractionBattery.StateOfCharge.Current, unit: percent"
WHOLE = "path: Vehicle.TraveledDistance, unit: m"
FLAG = 'path: Vehicle.Powertrain.CombustionEngine.IsRunning, unit: ""'
WORD = 'path: Vehicle.CurrentLocation.GNSSReceiver.FixType, unit: ""'
WORDS = "values: {0: NONE, 3: THREE_D}"


def value(entry: str, decoded: float) -> float | str | bool | Unfit:
    text = f"map: m\nsignals:\n  A.B: {{{entry}}}\n"
    return parse_map(text, CATALOGUE).by_source["A", "B"].value(decoded)


OUT = Unfit.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("entry", "decoded", "right"),
    [
        (f"{FLOAT}, factor: 2, offset: 1", 3.0, 7.0),
        (f"{FLOAT}, decimals: 0", 100.43, OUT),
        (f"{FLOAT}, decimals: 0", -0.4, OUT),
        (f"{FLOAT}, decimals: 1, max: 50", 50.04, OUT),
        (f"{FLOAT}, decimals: 1, min: 0.5", 0.46, OUT),
        (f"{FLOAT}, factor: 0.1", 1000.0, 100.0),
        (f"{FLOAT}, factor: 100, offset: 0", 1.0000000000000002, 100.0),
        (f"{FLOAT}, decimals: -1", 57.0, 60.0),
        (FLOAT, float("nan"), OUT),
        (FLOAT, float("inf"), OUT),
        (WHOLE, 2.4, 2),
        (WHOLE, -0.4, OUT),
        (WHOLE, 4294967295.4, OUT),
        (f"{WHOLE}, max: 10", 10.4, OUT),
        (f"{WHOLE}, decimals: -3", 12_345.0, 12_000),
        (f"{WHOLE}, decimals: 0", 12_345.6, 12_346),
        (FLAG, 1.0, True),
        (FLAG, 2.0, OUT),
        (FLAG, 0.5, OUT),
        (FLAG, float("nan"), OUT),
        (f"{FLAG}, factor: -1, offset: 1", 1.0, False),
        (f"{FLAG}, factor: -1, offset: 1", 0.0, True),
        (f"{FLAG}, factor: 0.5", 2.0, True),
        (f"{FLAG}, max: 0", 1.0, OUT),
        (f"{FLAG}, min: 1", 0.0, OUT),
        (f"{WORD}, {WORDS}", 3.0, "THREE_D"),
        (f"{WORD}, {WORDS}", 3.9, OUT),
        (f"{WORD}, {WORDS}", 1.0, OUT),
        (f"{WORD}, {WORDS}", float("nan"), OUT),
        (f"{WORD}, {WORDS}", float("-inf"), OUT),
    ],
    ids=lambda cell: str(cell).replace("Vehicle.", "")[-60:],
)
def test_a_key_applies(entry: str, decoded: float, right: object) -> None:
    got = value(entry, decoded)
    assert got == right
    assert type(got) is type(right)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (f"{FLOAT}, {WORDS}", "values name words only"),
        (f"{FLAG}, values: {{0: NONE}}", "values name words only"),
        (f"{FLAG}, decimals: 0", "is a boolean: decimals does not apply"),
        (f"{WHOLE}, decimals: 2", "is whole: decimals can be 0 or less"),
        (f"{WORD}, {WORDS}, factor: 2", "is a word: factor does not apply"),
        (f"{WORD}, {WORDS}, offset: 1", "is a word: offset does not apply"),
        (f"{WORD}, {WORDS}, decimals: 1", "is a word: decimals does not apply"),
        (f"{WORD}, {WORDS}, min: 0", "is a word: min does not apply"),
        (f"{WORD}, {WORDS}, max: 3", "is a word: max does not apply"),
        (f"{WORD}, values: {{}}", "values must map codes"),
        (WORD, "values must map codes"),
        (f"{FLOAT}, factor: 0", "a factor of 0"),
        (f"{FLOAT}, factor: .nan", "factor"),
        (f"{FLOAT}, offset: .inf", "offset"),
        (f"{FLOAT}, min: 3, max: 2", "min is above max"),
        (f"{FLOAT}, invalid: [1.5]", "invalid"),
        (f"{FLOAT}, invalid: [{{}}]", "invalid"),
        (f"{FLOAT}, bus: [can0]", "bus"),
    ],
    ids=lambda cell: cell.replace("Vehicle.", "")[-60:],
)
def test_a_key_that_cannot_apply_is_refused(entry: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        value(entry, 1.0)


NOT_READ = {
    "a month of no calendar": "title: 2026-13-45",
    "a day of no calendar": "title: 2026-02-30",
    "an hour of no clock": "title: 2026-02-28T25:00:00Z",
    "a tag that does not fit": "title: !!int x",
    "a float that is none": "title: !!float x",
    "a number of thousands of digits": f"title: {'9' * 5_000}",
    "brackets without end": f"title: {'[' * 2_000}",
    "a control character": "title: \x07",
    "a mapping as a key": "title: {{a: 1}: 2}",
    "an alias of nothing": "title: *x",
    "an alias of itself": "title: &x [*x]",
    "a merge of a number": "<<: 1",
    "a merge of an unknown key": "<<: {maps: 1}",
    "a bit of binary": 'title: !!binary "*"',
    "a set": "title: !!set {a}",
}


@pytest.mark.parametrize("line", NOT_READ.values(), ids=list(NOT_READ))
def test_a_map_that_yaml_cannot_build_is_refused_by_its_name(line: str) -> None:
    with pytest.raises(Refused, match=r"^own\.yaml"):
        parse_map(f"map: m\n{line}\nsignals: {{}}\n", CATALOGUE, "own.yaml")


def test_anchors_aliases_and_merge_keys_of_a_map_are_what_they_stand_for() -> None:
    text = f"map: m\nsignals:\n  A.B: &one {{{WHOLE}}}\n  A.C: *one\n  A.D: {{<<: *one, max: 5}}\n"
    plain = (
        f"map: m\nsignals:\n  A.B: {{{WHOLE}}}\n  A.C: {{{WHOLE}}}\n  A.D: {{{WHOLE}, max: 5}}\n"
    )
    assert parse_map(text, CATALOGUE) == parse_map(plain, CATALOGUE)


@pytest.mark.parametrize(
    ("number", "right"),
    [
        (102.30000000000001, 102.3), (102.31, None), (102.3, 102.3), (-1e-17, 0.0),
        (-0.001, None), (float("nan"), None), (float("inf"), None),
    ],
    ids=["dust", "above", "bound", "dust below", "below", "no number", "infinite"],
)  # fmt: skip
def test_only_the_dust_of_binary_fractions_is_let_in(number: float, right: float | None) -> None:
    assert within(number, 0.0, 102.3) == right


@pytest.mark.parametrize(
    "value",
    [
        "!!timestamp x", "2026-13-40", "!!int x", "!!bool maybe", "9" * 5_000, "[" * 70 + "]" * 70,
        "\x07", "&x [*x]", "*none", '"\\U00110000"', "{a: 1, a: 2}", "{? {a: 1} : b}",
    ],
    ids=lambda value: value[:24].encode("unicode_escape").decode(),
)  # fmt: skip
def test_what_cannot_be_built_is_refused_at_its_own_line_and_column(value: str) -> None:
    with pytest.raises(Refused, match=r"^own\.yaml:3:\d+: .+; .+\.$") as refused:
        parse_map(f"map: m\nsignals:\n  A.B: {value}\n", CATALOGUE, "own.yaml")
    assert int(str(refused.value).split(":")[2]) >= 8
