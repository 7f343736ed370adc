import pytest

from office.errors import OfficeError
from office.grantable import Grantable, chosen, grantable
from office.outbox import Outbox
from office.registry import Registry
from policy.operations import Keep
from telemetry.control import ConsentInterval
from telemetry.identity import SubjectId
from telemetry.instants import SECOND_MS
from tests.office.conftest import GRANTABLE, IMPROVE, INSURE, LEASE, Topics
from tests.support.plans import LOCATION, SPEED, THIRD_PARTY, lane, output, plan

ANA = SubjectId("ana")


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


async def test_an_act_told_again_does_not_undo_its_withdrawal(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.grant(ANA, *IMPROVE, 100)
    await registry.withdraw(ANA, "improve", None, 200)
    assert await registry.grant(ANA, *IMPROVE, 100) == row
    with pytest.raises(OfficeError, match="begin it at the withdrawal or after"):
        await registry.grant(ANA, *IMPROVE, 150)
    assert await consents_seen(outbox, topics) == {row: (100, 200)}


async def test_a_consent_that_stands_already_is_not_doubled(registry: Registry) -> None:
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


def test_a_consent_is_chosen_where_one_fits_and_refused_where_several_do() -> None:
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
    assert grantable(compiled) == {
        Grantable("service", "location", None, "service@1"),
        Grantable("share", "third_party", "insurer", "sharing@1"),
    }
