import pytest

from office.errors import OfficeError
from office.outbox import Outbox
from office.registry.consent_choice import chosen
from office.registry.consents import NewConsent
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from policy.plan.consents import Grantable, grantable
from policy.vocabulary.operations import Keep
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import SECOND_MS
from telemetry.wire.control import ConsentInterval, Role
from tests.office.conftest import GRANTABLE, IMPROVE, INSURE, LEASE, Topics
from tests.support.plans import FUEL, LOCATION, SPEED, THIRD_PARTY, lane, output, plan

ANA = SubjectId("ana")
DONGLE = DeviceId("dongle-1")


async def consents_seen(outbox: Outbox, topics: Topics) -> dict[str, tuple[int, int | None]]:
    await outbox.drain(topics.publish)
    seen = [row for row in topics.seen().values() if isinstance(row, ConsentInterval)]
    return {row.consent: (row.from_ms, row.to_ms) for row in seen}


async def test_a_withdrawal_closes_the_interval_at_its_instant(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.grant(ANA, *IMPROVE, 100)
    assert await consents_seen(outbox, topics) == {row: (100, None)}
    assert await registry.withdraw(ANA, "improve", None, 250) == [row]
    assert await consents_seen(outbox, topics) == {row: (100, 250)}


async def test_a_consent_given_again_is_a_row_of_its_own(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    first = await registry.grant(ANA, *IMPROVE, 100)
    await registry.withdraw(ANA, "improve", None, 200)
    second = await registry.grant(ANA, *IMPROVE, 300)
    assert await consents_seen(outbox, topics) == {first: (100, 200), second: (300, None)}


async def test_a_consent_repeated_does_not_undo_its_withdrawal(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.grant(ANA, *IMPROVE, 100)
    await registry.withdraw(ANA, "improve", None, 200)
    assert await registry.grant(ANA, *IMPROVE, 100) == row
    with pytest.raises(OfficeError, match="begin it at the withdrawal or after"):
        await registry.grant(ANA, *IMPROVE, 150)
    assert await consents_seen(outbox, topics) == {row: (100, 200)}


async def test_a_consent_that_exists_already_is_not_duplicated(registry: Registry) -> None:
    assert await registry.grant(ANA, *IMPROVE, 100) == await registry.grant(ANA, *IMPROVE, 900)


async def test_a_withdrawal_only_ever_shortens(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.grant(ANA, *IMPROVE, 100)
    await registry.withdraw(ANA, "improve", None, 200)
    await registry.withdraw(ANA, "improve", None, 300)
    assert await consents_seen(outbox, topics) == {row: (100, 200)}
    await registry.withdraw(ANA, "improve", None, 50)
    assert await consents_seen(outbox, topics) == {row: (100, 100)}


async def test_a_consent_withdrawn_before_it_began_locks_nobody_out(registry: Registry) -> None:
    """A date mistyped into next year is withdrawn, and the consent given from now on."""
    slip = await registry.grant(ANA, *IMPROVE, 9_000)
    assert await registry.withdraw(ANA, IMPROVE.purpose, None, 100) == [slip]
    assert await registry.grant(ANA, *IMPROVE, 100) != slip


async def test_one_recipient_can_be_withdrawn_and_none_named_means_all(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    insurer = await registry.grant(ANA, *INSURE, 100)
    lessor = await registry.grant(ANA, *LEASE, 100)
    assert await registry.withdraw(ANA, "share", "insurer", 200) == [insurer]
    assert await consents_seen(outbox, topics) == {insurer: (100, 200), lessor: (100, None)}
    assert set(await registry.withdraw(ANA, "share", None, 300)) == {insurer, lessor}
    assert await consents_seen(outbox, topics) == {insurer: (100, 200), lessor: (100, 300)}


async def test_a_withdrawal_that_misses_is_heard(registry: Registry) -> None:
    await registry.grant(ANA, *IMPROVE, 100)
    with pytest.raises(OfficeError, match="never consented") as refusal:
        await registry.withdraw(SubjectId("anna"), "improve", None, 200)
    assert "anna" not in str(refusal.value)


@pytest.mark.parametrize(
    "asked",
    [
        Grantable("improve", "location", None, "improve@2"),
        Grantable("improve", "opt_in", "insurer", "improve@2"),
        Grantable("improve", "opt_in", None, "improve@1"),
        Grantable("sell", "opt_in", None, "sell@1"),
    ],
)
async def test_only_consents_that_the_policy_asks_for_can_be_given(
    registry: Registry, asked: Grantable
) -> None:
    with pytest.raises(OfficeError, match="the policy asks for"):
        await registry.grant(ANA, *asked, 100)


def test_a_consent_is_chosen_if_one_fits_and_refused_if_several_do() -> None:
    assert chosen(GRANTABLE, "improve") == IMPROVE
    assert chosen(GRANTABLE, "share", recipient="lessor") == LEASE
    with pytest.raises(OfficeError, match="say which: third_party to insurer under share@1; "):
        chosen(GRANTABLE, "share")
    with pytest.raises(OfficeError, match="the purposes that do: improve, share"):
        chosen(GRANTABLE, "sell")


def test_what_can_be_granted_is_what_the_plans_rules_rest_on() -> None:
    speed = {SPEED: (Keep(),)}
    compiled = plan(
        output("service", [lane("a", 30, SECOND_MS, speed), lane("b", 30, SECOND_MS, speed, LOCATION)]),
        output("share", [lane("c", 30, SECOND_MS, speed, THIRD_PARTY)], "insurer", "third_party"),
    )  # fmt: skip
    assert set(grantable(compiled)) == {
        Grantable("service", "location", None, "service@1"),
        Grantable("share", "third_party", "insurer", "sharing@1"),
    }


MINOR: tuple[Role, ...] = ("minor",)


def test_a_consent_is_ineffective_for_a_role_only_if_it_opens_nothing() -> None:
    kept = {SPEED: (Keep(),), FUEL: (Keep(),)}
    some = lane("a", 30, SECOND_MS, kept, LOCATION, not_for={SPEED: MINOR})
    every = lane("a", 30, SECOND_MS, kept, LOCATION, not_for={SPEED: MINOR, FUEL: MINOR})
    (asked,) = grantable(plan(output("service", [some])))
    assert grantable(plan(output("service", [some])))[asked] == {}
    assert grantable(plan(output("service", [every])))[asked] == {"minor": "the policy forbids it"}
    # The next version's people may agree already, whichever version is named first.
    versions = plan(output("service", [every])), plan(output("service", [some]))
    assert grantable(*versions) == grantable(*reversed(versions)) == {asked: {}}


async def test_a_minors_consent_is_refused_and_says_why(registry: Registry) -> None:
    await registry.register(DONGLE, ANA, 100, "minor")
    with pytest.raises(
        OfficeError, match=r"\(minor: a child's data is not handed on\)$"
    ) as refusal:
        await registry.grant(ANA, *INSURE, 100)
    assert "ana" not in str(refusal.value)
    await registry.grant(ANA, *LEASE, 100)


async def test_a_refused_consent_leaves_nothing_of_its_transaction(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    links = [NewLink(DONGLE, ANA, 100, role="minor")]
    with pytest.raises(OfficeError, match="no effect"):
        await registry.register_fleet(links, [NewConsent(ANA, *INSURE, 100)])
    await outbox.drain(topics.publish)
    assert topics.seen() == {}


async def test_a_consent_is_accepted_if_one_of_the_persons_roles_may_give_it(
    registry: Registry,
) -> None:
    await registry.register(DONGLE, ANA, 100, "minor")
    await registry.register(DeviceId("dongle-2"), ANA, 100, "driver")
    assert await registry.grant(ANA, *INSURE, 100)


async def test_only_links_that_hold_from_the_consent_on_tell_a_role(registry: Registry) -> None:
    assert await registry.grant(SubjectId("unlinked"), *INSURE, 100)
    await registry.register(DONGLE, ANA, 100, "minor")
    await registry.close_link(DONGLE, 200)
    with pytest.raises(OfficeError, match="no effect"):
        await registry.grant(ANA, *INSURE, 199)
    assert await registry.grant(ANA, *INSURE, 200)


async def test_a_consent_repeated_is_answered_as_before_whatever_the_role_now(
    registry: Registry,
) -> None:
    await registry.register(DONGLE, ANA, 100, "driver")
    given = await registry.grant(ANA, *INSURE, 150)
    await registry.close_link(DONGLE, 120)
    await registry.register(DONGLE, ANA, 120, "minor")
    assert await registry.grant(ANA, *INSURE, 150) == given


async def test_a_role_not_given_can_be_corrected_and_the_refusal_says_how(
    database: Database,
) -> None:
    registry = Registry(database, {IMPROVE: {"unknown": "nobody confirmed who drives"}})
    await registry.register(DONGLE, ANA, 100)
    with pytest.raises(OfficeError, match="register --role"):
        await registry.grant(ANA, *IMPROVE, 100)
    await registry.close_link(DONGLE, 200)
    await registry.register(DONGLE, ANA, 200, "driver")
    assert await registry.grant(ANA, *IMPROVE, 200)
