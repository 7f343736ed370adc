"""What is printed means what was parsed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.language.document import Document
from policy.language.parse import parse
from roadfade.in_force.documents import load_files, shipped_policy_path
from tests.support.documents import FILES
from tests.support.printer import print_files
from tests.support.times import examples

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
    min_size=3,
    max_size=60,
).filter(lambda text: bool(text.strip()))
lengths = st.builds(  # never longer than YEARS_MAX
    "{} {}".format, st.integers(1, 100), st.sampled_from(["days", "months", "years"])
)


def document(files: dict[str, str]) -> Document:
    parsed = parse(files)
    assert isinstance(parsed, Document), [str(problem) for problem in parsed]
    return parsed


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def test_the_shipped_document_survives_printing() -> None:
    shipped = document(load_files(shipped_policy_path()))
    assert document(print_files(shipped)) == shipped


def test_printing_twice_prints_the_same() -> None:
    once = print_files(document(dict(FILES)))
    assert print_files(document(once)) == once


@settings(deadline=None, max_examples=examples(40))
@given(
    words=texts,
    because=texts,
    period=lengths,
    floor=st.builds("{} {}".format, st.integers(1, 90), st.sampled_from(["s", "min", "h", "ms"])),
    space=st.sampled_from(["exact", "prefecture", "h3 7", "jis-mesh 250 m"]),
    treated=st.sampled_from(["keep", "drop", "round 0.5 km/h", "thin 1 in 3", "mesh jis 250 m"]),
    expected=st.sampled_from(["deliver", "on_request", "withhold too_late", "open"]),
    value=st.none() | st.integers(-9, 9) | st.floats(-1e6, 1e6),
)
def test_what_is_printed_parses_to_the_same_document(
    words: str, because: str, period: str, floor: str, space: str, treated: str, expected: str,
    value: float | None,
) -> None:  # fmt: skip
    page = FILES["purposes/study.yaml"]
    page = page.replace("en: Study", f"en: {quoted(words)}").replace("30 days", period)
    page = page.replace("en: where it happens", f"en: {quoted(because)}")
    page = page.replace("bucket 10 km/h", treated)
    scale = FILES["precision.yaml"].replace("10 min", floor).replace("jis-mesh 500 m", space)
    case = f"{{signal: {quoted(words)}, to: team, expect: {expected}"
    case += "}" if value is None else f", value: {value!r}}}"
    files = {
        **FILES,
        "purposes/study.yaml": page,
        "precision.yaml": scale,
        "cases/study.yaml": f"cases: [{case}]\n",
    }
    parsed = document(files)
    assert document(print_files(parsed)) == parsed
