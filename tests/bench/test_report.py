"""The page of benchmarks says what the committed results give, and nothing that was not measured."""

from typing import Any

import pytest

from bench.capacity import FLEETS, NEEDS, Assumptions, Measured, measured, table
from bench.report import PAGE, TABLES, page
from bench.results import NOT_MEASURED, figure, read_results, shown

NOTHING: dict[str, dict[str, Any]] = {"hot_path": {}, "sink": {}, "people": {}, "replay": {}}
EVERYTHING: dict[str, dict[str, Any]] = {
    "hot_path": {
        "full_policy": {"60": 2.0},
        "full_policy_yields": {
            "60": {"raw_bytes": 1_400.0, "records": 15.0, "readings": 300.0, "bytes": 9_000.0}
        },
    },
    "sink": {
        "cpu_us_per_row": {"10000": 1.0},
        "files_per_hour": 40,
        "expire_ms_per_10m_rows": 70,
        "expire_cpu_ms_per_10m_rows": 50,
    },
    "people": {"people": 1_000_000, "rss_mb": 400.0, "cold_start_s": 30.0},
}


def test_the_page_is_what_the_results_give() -> None:
    text = PAGE.read_text("utf-8")
    assert page(text, read_results()) == text, "run python -m bench.report"


def test_every_table_stands_on_the_page_once() -> None:
    text = PAGE.read_text("utf-8")
    assert [text.count(f"<!-- made: {name} -->") for name in TABLES] == [1] * len(TABLES)


def test_what_stands_between_markers_is_replaced_and_nothing_else() -> None:
    text = "before\n<!-- made: others -->\nstale\n<!-- end -->\nafter"
    made = page(text, NOTHING)
    assert made.startswith("before\n<!-- made: others -->\n")
    assert made.endswith("\n<!-- end -->\nafter")
    assert "stale" not in made
    with pytest.raises(KeyError):
        page("<!-- made: unknown -->\n<!-- end -->", NOTHING)


def test_what_was_not_measured_is_named_so() -> None:
    for name, made in TABLES.items():
        assert NOT_MEASURED in "\n".join(made(NOTHING)), name


def test_an_absent_peer_stands_with_its_reason() -> None:
    results = NOTHING | {
        "hot_path": {
            "peers": {"copy": {"cpu_us_per_reading": 0.25, "rss_mb": 50.0}},
            "absent": {"bytewax": "pip failed"},
        }
    }
    rows = TABLES["peers"](results)
    assert (
        rows[2] == f"| `copy` | 0.250 | {NOT_MEASURED} | {NOT_MEASURED} | 50.0 | {NOT_MEASURED} |"
    )
    assert any(row.startswith("| `bytewax`: pip failed |") for row in rows)


def test_capacity_is_computed_from_figures_and_assumptions() -> None:
    found = measured(EVERYTHING, 60)
    told = Assumptions(readings_per_s=10, driving_share=0.1, driven_h_per_day=2, busy_share=0.5)
    needed = {name: need(1_000_000, told, found) for name, need in NEEDS.items()}
    assert needed == pytest.approx({
        "readings a second, busiest hour": 1e6,
        "envelopes a second": 1e6 / 60,
        "raw topic, MB a second": 1e6 / 60 * 1_400 / 1e6,
        "purpose topics, MB a second": 150.0,
        "cores for workers": 4.0,
        "memory of each worker for people, MB": 400.0,
        "cold start of a worker, CPU s": 30.0,
        "rows a second into sinks": 5e6,
        "cores for sinks": 10.0,
        "rows a day, all outputs": 1e6 * 7_200 * 10 * 5,
        "expiring one day's rows, CPU s": 1e6 * 7_200 * 10 * 5 / 1e7 * 0.05,
        "files an hour of one sink": 40.0,
    })  # fmt: skip


def test_a_need_that_rests_on_something_not_measured_is_not_guessed() -> None:
    nothing = Measured(*[None] * 9)
    rows = table(Assumptions(), nothing)[2:]
    known = [row for row in rows if NOT_MEASURED not in row]
    assert [row.split("|")[1].strip() for row in known] == [
        "readings a second, busiest hour",
        "envelopes a second",
    ]
    assert all(row.count("|") == len(FLEETS) + 2 for row in rows)
    assert measured(EVERYTHING, 10).worker_us_per_reading is None


def test_figures_are_numbers_or_not_there() -> None:
    assert figure(EVERYTHING, "sink", "files_per_hour") == 40.0
    assert figure(EVERYTHING, "sink", "files_per_hour", "deeper") is None
    assert figure(EVERYTHING, "unknown") is None
    with pytest.raises(TypeError, match="no number"):
        figure(EVERYTHING, "sink", "cpu_us_per_row")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, NOT_MEASURED), (0.0, "0"), (0.01234, "0.0123"), (0.2, "0.200"), (1.0, "1.00"),
        (12.34, "12.3"), (99.96, "100"), (1234.5, "1,234"), (9.999, "10.0"), (0.09999, "0.100"),
    ],
)  # fmt: skip
def test_numbers_are_shown_with_three_digits(number: float | None, text: str) -> None:
    assert shown(number) == text
