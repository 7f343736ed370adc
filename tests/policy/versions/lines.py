"""Two versions of a small document side by side."""

from collections.abc import Mapping

from policy.diff.change import Difference
from policy.diff.diff import diff
from tests.support.documents import FILES, policy_of

STUDY = "purposes/study.yaml"


def with_page(text: str, page: str = STUDY) -> dict[str, str]:
    """The small document with this page."""
    return {**FILES, page: text}


def bent(old: str, new: str, page: str = STUDY) -> dict[str, str]:
    """The small document with every such passage of one page changed."""
    assert old in FILES[page], f"{old!r} is not in {page}"
    return with_page(FILES[page].replace(old, new), page)


def difference(new: Mapping[str, str], old: Mapping[str, str] = FILES) -> Difference:
    """What the new texts change."""
    return diff(policy_of(old), policy_of(new))


def sentences(new: Mapping[str, str], old: Mapping[str, str] = FILES) -> list[str]:
    """The same, as people read it."""
    return [change.sentence for change in difference(new, old).changes]
