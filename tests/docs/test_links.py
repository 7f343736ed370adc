import re

import pytest

from tests.docs.pages import PAGES, REPOSITORY, prose, text_of

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as a forge makes them."""
    found = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(page)))
    return {heading.replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_repository_leads_somewhere(page: str) -> None:
    for link in _LINK.findall(prose(page)):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        place = (REPOSITORY / page).parent / target if target else REPOSITORY / page
        assert place.exists(), link
        if anchor:
            assert anchor in anchors(place.resolve().relative_to(REPOSITORY).as_posix()), link


def test_every_page_is_reached_from_the_readme() -> None:
    linked = set(_LINK.findall(text_of("README.md")))
    pages = {page for page in PAGES if page.count("/") == 1}
    assert pages <= linked


def test_the_picture_loads_nothing_from_elsewhere() -> None:
    picture = text_of("docs/images/flow.svg")
    assert re.findall(r"(?:href|src|url)\s*[=(]|@import", picture) == []
    assert set(re.findall(r"https?://[^\"\s]+", picture)) == {"http://www.w3.org/2000/svg"}
