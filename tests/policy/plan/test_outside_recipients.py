"""Who outside has to be told follows from the cells, and from what the person agreed to."""

from policy.plan.consents import Grantable
from policy.plan.outside_recipients import OutsideRecipient, outside_recipients
from tests.support.documents import FILES, plan_of

PAGE = "purposes/study.yaml"
TEAM = "{id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]}"
LAB = TEAM.replace("team", "lab").replace("internal", "processor")
SHOP = TEAM.replace("team", "shop").replace("internal", "third_party")
C11 = "  C11:\n    precision: P0\n"
SOLD = (
    "  C10:\n    to: [shop]\n    basis: {kind: third_party, notice: study@1}\n    precision: P0\n"
    "    keep: {at_most: 12 months, from: reading, because: {ja: 例, en: an example}}\n"
    "    cites: [C2-08]\n"
)
TO_SHOP = Grantable("study", "third_party", "shop", "study@1")
LAB_OF, SHOP_OF = OutsideRecipient("study", "lab"), OutsideRecipient("study", "shop")


def outside_page() -> dict[str, str]:
    """The small document with a processor, and a company that receives on consent."""
    page = FILES[PAGE].replace(f"  - {TEAM}\n", f"  - {TEAM}\n  - {LAB}\n  - {SHOP}\n")
    for category in ("  C07:\n", "  C09:\n"):
        page = page.replace(category, f"{category}    to: [team]\n")
    page = page.replace(C11, "  C11:\n    to: [team, lab]\n    precision: P0\n")
    return {**FILES, PAGE: page.replace("forbids: []", f"{SOLD}forbids: []")}


PLAN = plan_of(outside_page())


def test_nobody_within_the_company_has_to_be_told() -> None:
    assert outside_recipients([plan_of()], None, [TO_SHOP]) == ()


def test_who_needs_a_consent_is_told_if_it_was_ever_given() -> None:
    assert outside_recipients([PLAN], None, []) == (LAB_OF,)
    assert outside_recipients([PLAN], None, [TO_SHOP]) == (LAB_OF, SHOP_OF)
    other = TO_SHOP._replace(notice="study@2")
    assert outside_recipients([PLAN], None, [other]) == (LAB_OF,)


def test_of_a_withdrawal_only_who_rests_on_that_consent_is_told() -> None:
    assert outside_recipients([PLAN], None, [TO_SHOP], on_consent=True) == (SHOP_OF,)
    assert outside_recipients([PLAN], None, [], on_consent=True) == ()


def test_purposes_that_are_not_meant_tell_nobody_and_old_versions_count() -> None:
    assert outside_recipients([PLAN], ["desk"], [TO_SHOP]) == ()
    assert outside_recipients([PLAN, plan_of()], ["study"], []) == (LAB_OF,)
