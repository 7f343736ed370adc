"""What a document says stays text: no page takes markup from it."""

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser

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
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.support.documents import FILES, SPEED, policy_of
from tests.support.worlds import column, envelope

HOSTILE = """\"'><script>alert(1)</script><img src=x onerror=y>&{{ 7 * 7 }}%(who)s"""
UNFIGURED = HOSTILE.replace("{{ 7 * 7 }}", "").replace("1", "x")
JOINT_USE = """\
joint_use:
  items: [C09]
  purposes: [study]
  notice: study@1
  manager: {name: {ja: 丙, en: M}, address: {ja: 京都, en: K}, representative: {ja: 丁, en: S}}
  cites: [APPI-27]
"""
FORBIDS = """\
forbids:
  - {to: [team], category: [C06], when: {role: minor}, because: a reason, cites: [X-1]}
  - {category: [C06], except: [study], because: a reason, cites: [X-1]}
"""


def hostile(text: str) -> str:
    """Every text that people write freely, with markup before it; a notice has no free figures."""
    harm = UNFIGURED if text.startswith("notice:") else HOSTILE
    quoted = harm.replace("'", "''")
    text = re.sub(r"\b(ja|en): ([^,{}]+)", rf"\1: '{quoted}\2'", text)
    return re.sub(r"\b(contact|seed): ([^,}\n]+)", rf"\1: '{quoted}\2'", text)


@cache
def written(bend: Callable[[str], str]) -> CompiledPolicy:
    house = FILES["policy.yaml"].replace("forbids: []\n", FORBIDS) + JOINT_USE
    texts = {**FILES, "policy.yaml": house}
    return policy_of({name: bend(text) for name, text in texts.items()})


def notice(policy: CompiledPolicy, language: Language) -> str:
    return notice_page(policy, language)


def record(policy: CompiledPolicy, language: Language) -> str:
    return record_page(policy, language)


def purpose(policy: CompiledPolicy, language: Language) -> str:
    return purpose_page(policy, "study", language)


def clauses(policy: CompiledPolicy, language: Language) -> str:
    return coverage_page(coverage(policy), policy, language)


def drive(policy: CompiledPolicy, language: Language) -> str:
    columns = {
        SPEED: column("km/h", [40.0, 41.0, 43.0]),
        LATITUDE: column("degrees", [35.68, 35.69, 35.70]),
        LONGITUDE: column("degrees", [139.76, 139.77, 139.78]),
    }
    done = dry_run(policy.plan, [envelope(columns), b"{"], agreed=True)
    return dry_run_page(done, policy.document, language)


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, without any text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "wbr":  # a file's name may break wherever it has a slash
            self.found.append((tag, tuple(name for name, _ in attrs)))


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("page", [notice, purpose, record, clauses, drive])
def test_markup_in_a_document_is_shown_as_text(
    page: Callable[[CompiledPolicy, Language], str], language: Language
) -> None:
    harmless = page(written(str), language)
    attacked = page(written(hostile), language)
    assert "&lt;script&gt;alert(1)" in attacked
    assert "{{ 7 * 7 }}%(who)s" in attacked
    broken = [one for one in Skeleton(attacked).found if one not in Skeleton(harmless).found]
    assert broken == []
    assert len(Skeleton(attacked).found) == len(Skeleton(harmless).found)
