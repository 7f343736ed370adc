"""Every block that a page marks is run unchanged, in the order of the page, beside a real run."""

from collections.abc import Iterator

import pytest

from roadfade.local.broker import LocalBroker
from tests.docs.pages import PAGES, marked, text_of
from tests.docs.readers_run import OWN_CODE, ReadersRun, readers_run

pytestmark = pytest.mark.broker

SAYS = {
    ("README.md", "register"): ["registered "],
    ("README.md", "gateway"): ["published 5 readings in 1 envelopes"],
    ("README.md", "reader"): [
        "to be gone by", '"Vehicle.Speed"', '"value":[40', f'"dtc":["{OWN_CODE}"]',
    ],
    ("README.md", "query"): ["Vehicle.OBD.CoolantTemperature", " rows written"],
    ("README.md", "watch"): ["healthy", 'output="product_rnd"'],
    ("README.md", "rules"): ["SUCCESS"],
    ("docs/gateways.md", "check"): ["wrong_unit in Vehicle.Speed", "exit code 1"],
    ("docs/operators.md", "look"): ["telemetry.raw", "healthy"],
    ("docs/privacy-office.md", "ask"): ["0 failed", "thin 10 s", "no_consent"],
    ("docs/privacy-office.md", "publish"): ["could be published", "2 is published; takes effect"],
    ("docs/privacy-office.md", "people"): [
        "granted ", "withdrawn ", "ended ", "consents: 1, holding now: 0", "linked to nobody now",
    ],
    ("docs/privacy-office.md", "events"): ["contract_end", "device_retired", "of a device"],
    ("docs/privacy-office.md", "person"): ["vehicles: 1", "readings written", "stopped "],
    ("docs/privacy-office.md", "hold"): ["placed ", "complete since: 2", "for the case alone", "released "],
    ("docs/privacy-office.md", "forget"): ["asked ", "waits: "],
    ("docs/privacy-office.md", "correct"): ["asked ", "cut ", "given ", "raw data has ended"],
    ("docs/privacy-office.md", "receipts"): ["asked", "whole: every entry is signed"],
    ("docs/privacy-office.md", "evidence"): ["there is no evidence of a consent"],
    ("docs/replay.md", "replay"): ["published 4 readings in 1 envelopes"],
    ("docs/replay.md", "count"): ["nothing was decoded"],
}  # fmt: skip
KEEPS_TO_ITSELF = {("README.md", "reader"): ["43.5", "43.9", "44.1", "dongle", "person"]}
ENOUGH = ("register", "gateway")
LONG = ("docs/privacy-office.md",)
"""It takes minutes: some seventy commands, and what they ask for has to happen."""
TOLD = [
    pytest.param(page, marks=[pytest.mark.long] * (page in LONG))
    for page in PAGES if marked(page)
]  # fmt: skip


@pytest.fixture(scope="module")
def run(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadersRun]:
    """A run as a reader of the pages has it, with its fleet; the tests share it."""
    with readers_run(broker.bootstrap_servers, tmp_path_factory.mktemp("clone")) as one:
        yield one


@pytest.mark.parametrize("page", TOLD)
def test_what_a_page_tells_to_run_runs_as_written(page: str, run: ReadersRun) -> None:
    told = marked(page)
    if page != "README.md" and not run.kept_own():
        # The other pages count on the README having been followed.
        told = [block for block in marked("README.md") if block.name in ENOUGH] + told
    for block in told:
        said = run.carried_out(block)
        for words in SAYS.get((block.page, block.name), []):
            assert words in said, (block.name, words, said)
        for words in KEEPS_TO_ITSELF.get((block.page, block.name), []):
            assert words not in said, (block.name, words)
        if (block.page, block.name) == ("README.md", "reader"):
            run.wait_kept()


def test_a_reader_without_promtool_is_told_so(run: ReadersRun) -> None:
    [rules] = [block for block in marked("README.md") if block.name == "rules"]
    said = run.carried_out(rules, PATH="/nowhere")
    assert said.startswith("promtool is not installed, so the alert rules were not checked")


def test_the_run_says_what_the_readme_shows_of_it(run: ReadersRun) -> None:
    shown = text_of("README.md").partition("```console")[2].partition("```")[0]
    names = [
        name
        for name in ("raw topic", "prometheus", "join in", "published")
        if f"\n{name} " in shown
    ]
    assert len(names) == 4
    said = run.log.read_text()
    assert [name for name in names if f"\n{name} " not in said] == []


def test_every_expectation_belongs_to_a_block() -> None:
    names = {(page, block.name) for page in PAGES for block in marked(page)}
    assert SAYS.keys() | KEEPS_TO_ITSELF.keys() <= names
