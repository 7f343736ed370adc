"""Two versions of a small document side by side."""

from collections.abc import Mapping

from policy.changes import Difference
from policy.diff import Version, diff
from policy.document import Document
from policy.parse import parse
from tests.policy.documents import FILES, plan_of

STUDY = "purposes/study.yaml"


def version(files: Mapping[str, str] = FILES) -> Version:
    """The compiled plan with its document."""
    document = parse(files)
    assert isinstance(document, Document), [str(problem) for problem in document]
    return plan_of(files), document


def with_page(text: str, page: str = STUDY) -> dict[str, str]:
    """The small document with this page."""
    return {**FILES, page: text}


def bent(old: str, new: str, page: str = STUDY) -> dict[str, str]:
    """The small document with every such passage of one page changed."""
    assert old in FILES[page], f"{old!r} does not stand in {page}"
    return with_page(FILES[page].replace(old, new), page)


def difference(new: Mapping[str, str], old: Mapping[str, str] = FILES) -> Difference:
    """What the new texts change."""
    return diff(version(old), version(new))


def sentences(new: Mapping[str, str], old: Mapping[str, str] = FILES) -> list[str]:
    """The same, as people read it."""
    return [change.sentence for change in difference(new, old).changes]
