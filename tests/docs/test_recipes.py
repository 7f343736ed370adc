"""Every block that a page marks is run unchanged, in the order of the page."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadfade.demo.process_group import child_environment
from roadfade.local.broker import LocalBroker
from roadfade.local.prometheus import find_program
from tests.docs.pages import PAGES, REPOSITORY, Block, marked
from tests.support.road import Road, no_prefix_twice, running_road

pytestmark = pytest.mark.broker

SAYS = {
    ("README.md", "register"): ["registered "],
    ("README.md", "reader"): ["to be gone by", '"Vehicle.Speed"', '"value":[40', '"dtc":["P0301"]'],
    ("README.md", "query"): ["Vehicle.OBD.CoolantTemperature", " rows written"],
    ("README.md", "watch"): ["healthy", 'output="product_rnd"', "SUCCESS"],
    ("docs/gateways.md", "check"): ["wrong_unit in Vehicle.Speed", "exit code 1"],
    ("docs/operators.md", "look"): ["telemetry.raw", "healthy"],
    ("docs/privacy-office.md", "ask"): ["0 failed", "thin 10 s", "no_consent"],
    ("docs/privacy-office.md", "publish"): ["could be published", "2 is published; takes effect"],
    ("docs/privacy-office.md", "people"): [
        "granted ",
        "withdrawn ",
        "ended ",
        "consents: 1, holding now: 0",
        "linked to nobody now",
    ],
    ("docs/replay.md", "replay"): ["published 4 readings in 1 envelopes"],
    ("docs/replay.md", "count"): ["nothing was decoded"],
}
KEEPS_TO_ITSELF = {("README.md", "reader"): ["43.5", "43.9", "44.1", "dongle", "person"]}
ENOUGH = ("register", "gateway")
PUBLISHES = ("gateway", "replay")
BLOCK_S_MAX = 120.0
CURL = """#!/bin/sh
exec {python} -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[-1]).read().decode())' "$@"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder to work in that sees the repository's files under their own names."""
    for name in ("deploy", "docs", "policy"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    return tmp_path


@pytest.fixture(scope="module")
def readers_road(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """A road as a reader of the pages has it: nothing on it but what they say."""
    state_dir = tmp_path_factory.mktemp("readers")
    with running_road(broker.bootstrap_servers, no_prefix_twice(), state_dir) as one:
        yield one


def environment(road: Road, desk: Path) -> dict[str, str]:
    tools = desk / "tools"
    tools.mkdir()
    promtool = find_program("promtool")
    assert promtool is not None, "make test installs promtool"
    (tools / "promtool").symlink_to(promtool)
    if shutil.which("curl") is None:
        (tools / "curl").write_text(CURL.format(python=sys.executable))
        (tools / "curl").chmod(0o755)
    path = f"{Path(sys.executable).parent}:{tools}:{os.environ['PATH']}"
    return child_environment(road.settings) | {"PATH": path, "COLUMNS": "200"}


def carried_out(block: Block, env: dict[str, str], desk: Path) -> str:
    argv = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    done = subprocess.run(
        [*argv[block.language], block.text],
        env=env, cwd=desk, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=BLOCK_S_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (block.name, done.stdout, done.stderr)
    return done.stdout + done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if marked(page)])
def test_what_a_page_tells_to_run_runs_as_written(
    page: str, readers_road: Road, desk: Path
) -> None:
    road = readers_road
    env = environment(road, desk)
    told = marked(page)
    if page != "README.md" and not road.rows("product_rnd"):
        # The other pages count on the README having been followed.
        told = [block for block in marked("README.md") if block.name in ENOUGH] + told
    for block in told:
        said = carried_out(block, env, desk)
        for words in SAYS.get((block.page, block.name), []):
            assert words in said, (block.name, words, said)
        for words in KEEPS_TO_ITSELF.get((block.page, block.name), []):
            assert words not in said, (block.name, words)
        if block.name in PUBLISHES:
            road.drained()


def test_every_expectation_belongs_to_a_block() -> None:
    names = {(page, block.name) for page in PAGES for block in marked(page)}
    assert SAYS.keys() | KEEPS_TO_ITSELF.keys() <= names
