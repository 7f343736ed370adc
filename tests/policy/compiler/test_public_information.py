"""What people have to be told beside purposes is in the document, or it does not compile."""

from collections.abc import Mapping

import pytest

from policy.compiler.compile import compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.language.problems import Severity
from policy.plan.limits import Limits
from tests.policy.diff.rich import CATALOGUE, RICH

ASKED = "[transfer_route, joint_use_terms, public_information]"
USER = (
    "    - {recipient: group, since: 2026-09-30, address: {ja: 大阪, en: O}, "
    "representative: {ja: 丁, en: S}}\n"
)
TOLD = RICH["policy.yaml"].partition("public_information:")[2].partition("combine:")[0]


def errors(files: Mapping[str, str]) -> list[str]:
    document = parse(files)
    if not isinstance(document, Document):
        return [str(problem) for problem in document]
    problems = compile_plan(document, CATALOGUE, Limits()).problems
    return [str(problem) for problem in problems if problem.severity is Severity.ERROR]


def asked(old: str = "", new: str = "") -> dict[str, str]:
    """The rich document under a law that asks for it, with one change of policy.yaml."""
    assert not old or RICH["policy.yaml"].count(old) == 1
    profiles = RICH["profiles.yaml"].replace("[transfer_route, joint_use_terms]", ASKED)
    policy = RICH["policy.yaml"].replace(old, new) if old else RICH["policy.yaml"]
    return {**RICH, "profiles.yaml": profiles, "policy.yaml": policy}


def test_a_document_that_tells_all_of_it_compiles() -> None:
    assert errors(asked()) == []


def test_one_that_tells_nothing_is_refused_where_a_law_asks_for_it() -> None:
    silent = asked(f"public_information:{TOLD}", "")
    (error,) = errors(silent)
    assert "nothing tells people how to ask" in error and "Order Art. 10" in error
    assert errors({**silent, "profiles.yaml": RICH["profiles.yaml"]}) == []


@pytest.mark.parametrize("part", ["fee", "identity", "form", "where", "agent", "answer"])
def test_the_way_of_a_request_is_told_whole(part: str) -> None:
    line = next(one for one in TOLD.splitlines() if one.strip().startswith(f"{part}:"))
    assert any(f"`{part}` is missing" in error for error in errors(asked(f"{line}\n", "")))


def test_a_joint_user_stands_with_its_address_and_its_first_day() -> None:
    (unlisted,) = errors(asked(f"  users:\n{USER}", ""))
    assert "is not published with its address and its first day (here: group)" in unlisted
    assert "{recipient: group, since: " in unlisted
    (stranger,) = errors(asked(USER, USER + USER.replace("group", "groop")))
    assert "no purpose has this joint user (here: groop); write `group`" in stranger
    (twice,) = errors(asked(USER, USER + USER))
    assert "a joint user stands twice" in twice
    (early,) = errors(asked("since: 2026-09-30", "since: 2026-10-02"))
    assert "data would reach it before it joins (2026-10-01)" in early


def test_what_it_cites_is_known() -> None:
    (error,) = errors(
        asked(
            "abroad: {ja: 国内, en: at home}\n    cites: [C1-05]",
            "abroad: {ja: 国内, en: at home}\n    cites: [C9-99]",
        )
    )
    assert "nothing is known under this citation" in error
