"""Topics that lack anything are refused, and taken only if every link and consent ends with it."""

from collections.abc import Callable

import pytest

from bus.partitions import partition_for
from bus.records import Outgoing
from office.registry.erasure_requests import NewErasure
from roadfade.rebuild.rebuilding import look
from roadfade.refusal import Refusal
from telemetry.topics import (
    CONTROL_CONSENTS,
    CONTROL_LINKS,
    CONTROL_POLICIES,
    HEARTBEAT_KEY,
)
from telemetry.wire.control import Heartbeat, encode_row
from tests.roadfade.rebuild.small_office import ANA, BEN, ERASE, SmallOffice, quiet
from tests.roadfade.rebuild.test_rebuilding import asked


def key_of(
    office: SmallOffice, who: str, table: str = "consents", column: str = "consent"
) -> bytes:
    (found,) = office.rows(f"SELECT {column} FROM {table} WHERE subject = '{who}'")  # noqa: S608  # ours
    return str(found[0]).encode()


def no_topic(office: SmallOffice) -> None:
    office.do(_deleted(office, CONTROL_CONSENTS))


def no_commands(office: SmallOffice) -> None:
    office.do(_deleted(office, ERASE))


async def _deleted(office: SmallOffice, topic: str) -> None:
    async with office.broker.admin() as admin:
        await admin.delete([topic])


def no_heartbeat(office: SmallOffice) -> None:
    office.cut(CONTROL_CONSENTS, HEARTBEAT_KEY)


def a_lost_row(office: SmallOffice) -> None:
    office.cut(CONTROL_CONSENTS, key_of(office, ANA))


def another_row(office: SmallOffice) -> None:
    """As many rows, and one of them is not the office's."""
    key = key_of(office, ANA)
    (row,) = (r for r in office.broker.records(CONTROL_CONSENTS) if r.key == key)
    office.write(CONTROL_CONSENTS, key, (row.value or b"").replace(b"insurer", b"lessor"))
    told = [r for r in office.broker.records(CONTROL_CONSENTS) if r.key == HEARTBEAT_KEY]
    for one in told:
        again = Outgoing(CONTROL_CONSENTS, one.partition, one.key, one.value)
        office.broker.feed(CONTROL_CONSENTS, one.partition, again)


def a_heartbeat_that_tells_nothing(office: SmallOffice) -> None:
    row = encode_row(Heartbeat(office.now_ms, office.high_water()))
    office.write(CONTROL_POLICIES, HEARTBEAT_KEY, row)


def an_older_end(office: SmallOffice) -> None:
    """The end of one topic is lost: what its last heartbeat tells of is there, and it is old."""
    lost = office.broker.records(CONTROL_CONSENTS)
    office.do(office.registry.withdraw(ANA, "sharing", "insurer", office.now_ms))
    office.beat()
    office.broker.remake(CONTROL_CONSENTS)
    for one in lost:
        again = Outgoing(CONTROL_CONSENTS, one.partition, one.key, one.value)
        office.broker.feed(CONTROL_CONSENTS, one.partition, again)


def a_deleted_restriction(office: SmallOffice) -> None:
    """Somebody takes an objection back that was not the office's to take back."""
    office.do(office.registry.object_to(ANA, None, None, office.now_ms))
    office.beat()
    office.write(CONTROL_CONSENTS, key_of(office, ANA, "restrictions", "restriction"), None)


def a_batch_that_does_not_unpack(office: SmallOffice) -> None:
    office.broker.drop_bomb(CONTROL_LINKS, 0)


def a_row_of_a_later_program(office: SmallOffice) -> None:
    office.write(CONTROL_CONSENTS, b"ROW", b'{"kind":"consent","new":1}')


LOSSES: dict[Callable[[SmallOffice], None], str] = {
    no_topic: "control.consents: it is not there",
    no_commands: f"{ERASE}: it is not there",
    no_heartbeat: "no heartbeat of the office lies there",
    a_lost_row: "its newest heartbeat tells of",
    another_row: "rows, and others lay there",
    a_heartbeat_that_tells_nothing: "does not tell what lies there",
    an_older_end: "its newest heartbeat is older",
    a_deleted_restriction: "does not know why",
    a_batch_that_does_not_unpack: "cannot be unpacked",
    a_row_of_a_later_program: "1 rows cannot be read by this program",
}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_what_lacks_something_is_refused_and_named(
    office: SmallOffice, loss: Callable[[SmallOffice], None]
) -> None:
    loss(office)
    office.lose()

    with pytest.raises(Refusal, match="--incomplete-too") as refused:
        office.rebuild()

    assert LOSSES[loss] in str(refused.value)
    assert not office.settings.office_path.exists()
    assert not office.settings.rebuilding_dir.exists()
    looked = look(office.settings, office.broker, lambda: office.now_ms, quiet)
    assert len(looked.outlook.lacking) >= 1
    office.rebuild(incomplete=True)


def test_from_what_lacks_something_nobody_is_linked_and_nothing_is_agreed_to(
    office: SmallOffice,
) -> None:
    office.do(office.registry.object_to(BEN, None, None, office.now_ms))
    office.beat()
    office.cut(CONTROL_CONSENTS, key_of(office, ANA))
    heard_ms = office.now_ms
    office.lose()

    office.rebuild(incomplete=True)

    assert office.rows("SELECT DISTINCT to_ms FROM links") == [(heard_ms,)]
    assert office.rows("SELECT DISTINCT to_ms FROM consents") == [(heard_ms,)]
    assert office.rows("SELECT subject, to_ms FROM restrictions") == [(BEN, None)]
    office.beat()
    assert office.mend() == 0


def test_a_lost_restriction_is_there_again_if_it_is_remembered(office: SmallOffice) -> None:
    """The topic lost who asked to be forgotten; the memory knows, so they are."""
    asked(office, NewErasure("erase", ANA, "asked"))
    office.beat()
    office.cut(CONTROL_CONSENTS, key_of(office, ANA, "restrictions", "restriction"))
    office.lose()

    office.rebuild(incomplete=True)

    assert office.rows("SELECT subject, purpose, to_ms FROM restrictions") == [(ANA, None, None)]
    assert office.rows("SELECT kind, subject FROM erasures") == [("erase", ANA)]


def test_a_registration_that_is_lost_admits_nothing_older(office: SmallOffice) -> None:
    (found,) = office.rows(f"SELECT row FROM devices WHERE device = '{office.device(ANA)}'")  # noqa: S608  # ours
    office.cut(CONTROL_LINKS, str(found[0]).encode())
    office.lose()

    office.rebuild(incomplete=True)

    again = f"SELECT registered_ms FROM devices WHERE device = '{office.device(ANA)}'"  # noqa: S608  # ours
    assert office.rows(again) == [(office.now_ms,)]
    office.beat()
    assert office.mend() == 0


def test_a_row_out_of_place_is_nobodys(office: SmallOffice) -> None:
    key = key_of(office, ANA)
    elsewhere = 1 - partition_for(key, 2)
    stranger = Outgoing(CONTROL_CONSENTS, elsewhere, key, b"anything")
    office.broker.feed(CONTROL_CONSENTS, elsewhere, stranger)
    office.lose()

    done = office.rebuild()

    assert done.outlook.found.misplaced == 1
    assert len(office.rows("SELECT 1 FROM consents")) == 2
