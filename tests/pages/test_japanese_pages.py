"""Who reads a Japanese page needs no English: only identifiers stand in Latin letters."""

import re
from collections.abc import Mapping
from functools import cache
from html import unescape

import pytest

from assessment.dry_run import dry_run
from assessment.dry_run_page import dry_run_page
from pages.coverage import coverage
from pages.coverage_page import coverage_page
from pages.notice.page import notice_page
from pages.processing_record import record_page
from pages.purpose_page import purpose_page
from policy.compiled import CompiledPolicy
from policy.vocabulary.bilingual import Language
from roadfade.commands.policy.choice import policy_or_exit
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.support.plans import FUEL, SPEED
from tests.support.worlds import column, envelope

IDENTIFIERS = (
    r"Vehicle\.[\w.]+",  # a signal's path
    r"[\w/]+\.py::\w+",  # a test
    r"[\w/]+\.(py|yaml)\b",  # a file
    r"[\w.]+@[\w.]+",  # an e-mail address
    r"(connected-car-jp )?\b1-[0-9a-f]+",  # the policy's name and version
    r"\bkm/h\b",  # a unit of speed
    r"\b\d V\b",  # of voltage
    r"\b[ck]?m\b",  # units of length
)
NAMES = {"EDPB", "IP", "URL", "H3", "IMEI", "ICCID", "SIM", "Bluetooth", "GDPR", "JIS"}
"""Names that are written so in Japanese too."""
PAGES = ("notice", "purposes", "record", "coverage", "dry-run")


@cache
def policy() -> CompiledPolicy:
    return policy_or_exit(None)


def pages(language: Language) -> Mapping[str, str]:
    shipped = policy()
    drive = envelope(
        {
            SPEED: column("km/h", [40.0, 41.0, 43.0]),
            FUEL: column("percent", [52.4, 52.4, 52.3]),
            LATITUDE: column("degrees", [35.6812, 35.6813, 35.6814]),
            LONGITUDE: column("degrees", [139.7671, 139.7671, 139.7671]),
            "Vehicle.NoSuch": column("km", [1.0, 2.0, 3.0]),
        }
    )
    done = dry_run(shipped.plan, [drive, b"{"], agreed=True)
    assert done.rejected
    return {
        "notice": notice_page(shipped, language),
        "purposes": "".join(purpose_page(shipped, one, language) for one in shipped.document.pages),
        "record": record_page(shipped, language),
        "coverage": coverage_page(coverage(shipped), shipped, language),
        "dry-run": dry_run_page(done, shipped.document, language),
    }


def read_by_people(page: str) -> str:
    """What eyes and screen readers meet: texts and labels, no style and no other attribute."""
    body = re.sub(r"<style>.*?</style>|<wbr>", "", page, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|data-label|title)="([^"]*)"', body)
    return unescape("\n".join([re.sub(r"<[^>]*>", "\n", body), *labels]))


def english_words(page: str) -> set[str]:
    """The words in Latin letters that are neither identifiers nor names."""
    document = policy().document
    text = read_by_people(page)
    cited = sorted(document.authorities.content.authorities, key=len, reverse=True)
    for known in (*map(re.escape, cited), *IDENTIFIERS):
        text = re.sub(known, " ", text, flags=re.ASCII)
    return set(re.findall(r"[A-Za-z][A-Za-z0-9]*", text)) - NAMES


@pytest.mark.parametrize("name", PAGES)
def test_a_japanese_page_shows_no_english_words(name: str) -> None:
    assert english_words(pages("ja")[name]) == set()


@pytest.mark.parametrize("name", PAGES)
def test_an_english_page_shows_no_japanese_but_the_clauses_own_numbers(name: str) -> None:
    text = re.sub(r"第\d\(\d+\)", "", read_by_people(pages("en")[name]))
    assert re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]+", text) == []


def test_the_check_sees_texts_and_labels_and_passes_identifiers_by() -> None:
    page = '<p>速度 the team</p><td data-label="Data">APPI-27 Vehicle.Speed a@b.jp x.py 3 km</td>'
    assert english_words(page) == {"the", "team", "Data"}
