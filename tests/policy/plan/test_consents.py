"""What people can consent to under a compiled document."""

from policy.plan.consents import Grantable, grantable
from telemetry.wire.record import LATITUDE
from tests.support.documents import FILES, bent, plan_of

PAGE = "purposes/study.yaml"
C06 = (
    "cells:\n  C06: {delivery: {mode: on_request, needs: case}, only: [vehicle_class], basis: "
    "{kind: opt_in, notice: study@1}, keep: {at_most: 30 days, from: reading, because: "
    "{ja: 例, en: an example}}, cites: [C2-08]}\n"
)
"""A cell of a fact that no topic carries and that rests on a consent."""


def test_the_office_offers_every_consent_that_a_cell_rests_on() -> None:
    files = bent(PAGE, "cells:\n", C06)
    location = Grantable("study", "location", None, "study@1")
    asked = Grantable("study", "opt_in", None, "study@1")
    assert set(grantable(plan_of(FILES))) == {location}
    assert set(grantable(plan_of(files))) == {location, asked}


def test_a_consent_a_role_cannot_use_is_void_with_the_forbids_reason() -> None:
    forbid = (
        "{when: {role: [minor, unknown]}, category: [C07, C09], because: not them, cites: [X-1]}"
    )
    closed = bent(PAGE, "forbids: []", f"forbids: [{forbid}]")
    (void,) = grantable(plan_of(closed)).values()
    assert void == {"minor": "not them", "unknown": "not them"}


def test_a_consent_that_still_opens_something_is_not_void() -> None:
    some = f"{{when: {{role: minor}}, signal: {LATITUDE}, because: not them, cites: [X-1]}}"
    (void,) = grantable(plan_of(bent(PAGE, "forbids: []", f"forbids: [{some}]"))).values()
    assert void == {}
