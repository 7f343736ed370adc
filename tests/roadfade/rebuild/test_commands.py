"""Commands that live on their topics live on in a rebuilt office, and end in their time."""

from sqlalchemy import insert

from office.holds.overview import HoldOverview, list_holds
from office.holds.register import NewHold, place
from office.keyring.hold_keys import public_key
from office.registry.erasure_requests import NewErasure
from office.store.changes import ControlChange, announce
from office.store.erasure_tables import ERASE_COMMANDS
from office.store.hold_tables import HOLD_COMMANDS
from telemetry.identity import EpochKey
from telemetry.instants import DAY_MS
from telemetry.wire.erasure import ERASURE_VERSION, EraseCommand, encode_command
from telemetry.wire.hold import HOLD_VERSION, HoldCommand, encode_hold, hold_key
from tests.roadfade.rebuild.small_office import ANA, BEN, ERASE, OUTPUT, SmallOffice
from tests.roadfade.rebuild.test_rebuilding import asked

PUBLIC = public_key(EpochKey(b"k" * 32))


def commanded(office: SmallOffice, name: str, until_ms: int) -> bytes:
    """A command as the saga leaves it on record and queues it."""
    value = encode_command(
        EraseCommand(
            v=ERASURE_VERSION, command=name, output=OUTPUT, pseudonyms=["p"],
            asked_ms=office.now_ms, until_ms=until_ms,
        )
    )  # fmt: skip
    (erasure,) = office.rows("SELECT erasure FROM erasures")
    row = {"command": name, "erasure": erasure[0], "output": OUTPUT, "topic": ERASE}

    async def work() -> None:
        async with office.database.writing() as connection:
            await connection.execute(insert(ERASE_COMMANDS), row | {"value": value})
            await announce(connection, [ControlChange(ERASE, name, value)])

    office.do(work())
    return value


def held(office: SmallOffice, name: str) -> bytes:
    """A hold, and its command."""
    command = HoldCommand(
        v=HOLD_VERSION, command=name, output=OUTPUT, pseudonyms=["p"], from_ms=1, to_ms=9,
        public_key=PUBLIC, placed_ms=office.now_ms,
    )  # fmt: skip
    value = encode_hold(command)
    review_ms = office.now_ms + 30 * DAY_MS

    async def work() -> None:
        async with office.database.writing() as connection:
            new = NewHold("litigation", "case 7", "an officer", review_ms, subject=BEN)
            hold = await place(connection, new, 100, office.now_ms)
            row = {"command": name, "hold": hold, "output": OUTPUT, "topic": ERASE}
            await connection.execute(insert(HOLD_COMMANDS), row | {"value": value})
            await announce(connection, [ControlChange(ERASE, hold_key(name), value)])

    office.do(work())
    return value


def holds(office: SmallOffice) -> list[HoldOverview]:
    async def work() -> list[HoldOverview]:
        async with office.database.reading() as connection:
            return await list_holds(connection, office.now_ms + 1)

    return office.do(work())


def test_living_commands_go_on_under_a_request_that_takes_them_back(office: SmallOffice) -> None:
    asked(office, NewErasure("erase", ANA, "asked"))
    until_ms = office.now_ms + 50 * DAY_MS
    value = commanded(office, "COMMAND-1", until_ms)
    office.beat()
    office.lose()

    office.rebuild()

    request = "SELECT e.reason, e.state, e.until_ms, e.subject, c.value FROM erasures e"
    joined = office.rows(f"{request} JOIN erase_commands c ON c.erasure = e.erasure")
    assert joined == [("restored", "gone", until_ms, None, value)]
    assert office.rows("SELECT state FROM erasures WHERE subject IS NOT NULL") == [("asked",)]
    assert office.mend() == 0


def test_a_command_that_is_lost_with_its_topics_end_lives_again_if_it_is_remembered(
    office: SmallOffice,
) -> None:
    asked(office, NewErasure("erase", ANA, "asked"))
    value = commanded(office, "COMMAND-1", office.now_ms + 50 * DAY_MS)
    office.beat()
    office.cut(ERASE, b"COMMAND-1")
    office.lose()

    office.rebuild(incomplete=True)

    assert office.rows("SELECT value FROM erase_commands") == [(value,)]
    office.beat()
    assert office.mend() == 0
    assert any(one.value == value for one in office.broker.records(ERASE))


def test_a_hold_goes_on_with_what_it_named_and_is_to_be_reviewed(office: SmallOffice) -> None:
    value = held(office, "HOLD-COMMAND")
    office.beat()
    (before,) = holds(office)
    office.lose()

    office.rebuild()

    (one,) = holds(office)
    assert (one.state, one.overdue, one.of) == ("living", True, "nobody any more")
    assert (one.placed_ms, one.from_ms, one.to_ms) == (before.placed_ms, 1, 9)
    assert (one.basis, one.owner) == ("not_known", "roadfade office")
    assert office.rows("SELECT value FROM hold_commands") == [(value,)]
    assert office.mend() == 0
