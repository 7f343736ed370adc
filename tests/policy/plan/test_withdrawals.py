"""Which lanes a withdrawal empties follows from the cell, the consent and the newest version."""

from policy.plan.consents import Grantable
from policy.plan.plan import Plan
from policy.plan.withdrawals import erased_on_withdrawal
from tests.support.documents import FILES, plan_of

PAGE = "purposes/study.yaml"
LOCATION = Grantable("study", "location", None, "study@1")
LANE = "30-days.10min"


def with_page(*routes: tuple[str, str]) -> Plan:
    page = FILES[PAGE]
    for old, new in routes:
        assert page.count(old) == 1, old
        page = page.replace(old, new)
    return plan_of({**FILES, PAGE: page})


ERASES = ("precision: P2\n", "precision: P2\n    on_withdrawal: erase\n")
SHORTER = ("at_most: 30 days", "at_most: 20 days")
KEEPING, ERASING, SHORTENED = with_page(), with_page(ERASES), with_page(ERASES, SHORTER)


def test_a_lane_is_erased_if_a_cell_says_so_that_rests_on_this_consent() -> None:
    assert erased_on_withdrawal([KEEPING], "study", LOCATION) == frozenset()
    assert erased_on_withdrawal([ERASING], "study", LOCATION) == {LANE}
    for other in (
        LOCATION._replace(notice="study@2"),
        LOCATION._replace(basis="opt_in"),
        LOCATION._replace(purpose="desk"),
        LOCATION._replace(recipient="team"),
    ):
        assert erased_on_withdrawal([ERASING], "study", other) == frozenset()
    assert erased_on_withdrawal([ERASING], "desk", LOCATION) == frozenset()


def test_the_newest_version_with_a_lane_decides() -> None:
    assert erased_on_withdrawal([KEEPING, ERASING], "study", LOCATION) == {LANE}
    assert erased_on_withdrawal([ERASING, KEEPING], "study", LOCATION) == frozenset()


def test_another_period_does_not_save_what_lies_under_the_old_one() -> None:
    assert erased_on_withdrawal([KEEPING, SHORTENED], "study", LOCATION) == {
        LANE,
        "20-days.10min",
    }
    # What was promised to be erased stays so once the newest has no such lane any more.
    kept = with_page(SHORTER)
    assert erased_on_withdrawal([ERASING, kept], "study", LOCATION) == {LANE}


def test_a_consent_to_another_company_is_of_its_recipient() -> None:
    page = (
        FILES[PAGE]
        .replace("class: internal", "class: third_party")
        .replace("kind: published", "kind: third_party")
    )
    page = page.replace(
        "{kind: location, notice: study@1}\n    precision: P2",
        "{kind: third_party, notice: study@1}\n    on_withdrawal: erase\n    precision: P3",
    )
    plan = plan_of({**FILES, PAGE: page})
    given = Grantable("study", "third_party", "team", "study@1")
    assert erased_on_withdrawal([plan], "study", given) == {"30-days.1h"}
    assert erased_on_withdrawal([plan], "study", given._replace(recipient=None)) == frozenset()
