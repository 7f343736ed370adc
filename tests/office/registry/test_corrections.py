"""A correction takes an interval from one person alone, and nobody else's rows with it."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Row, select, update

from office.errors import OfficeError
from office.registry.corrections import Corrected, Correction, correct, pieces, within
from office.registry.erasure_requests import NewErasure, ask
from office.registry.intervals import Interval
from office.registry.links import NewLink, add_links, close_link, link_of
from office.registry.registry import Registry
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from office.store.tables import LINKS, RESTRICTIONS
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import LinkInterval

D = DeviceId("dongle-1")
ANA, BEN, CAM = (SubjectId(f"{who}-the-subject") for who in ("ana", "ben", "cam"))
NOW_MS = 1_000


def wrong(
    from_ms: int, to_ms: int | None, whose: SubjectId | None = None, **more: Any
) -> Correction:
    facts = {"subject": ANA, "device": D, "reason": "sold_earlier", **more}
    return Correction(from_ms=from_ms, to_ms=to_ms, whose=whose, **facts)


async def done(database: Database, one: Correction) -> Corrected:
    async with database.writing() as connection:
        return await correct(connection, one, NOW_MS)


async def links_in(database: Database) -> list[LinkInterval]:
    async with database.reading() as connection:
        query = select(LINKS).order_by(LINKS.c.from_ms, LINKS.c.to_ms)
        return [link_of(row) for row in await connection.execute(query)]


async def spans(database: Database, who: SubjectId) -> list[tuple[int, int | None]]:
    return [
        (link.from_ms, link.to_ms)
        for link in await links_in(database)
        if link.subject == who and link.from_ms != link.to_ms
    ]


async def requests(database: Database) -> list[Row[Any]]:
    async with database.reading() as connection:
        return list(await connection.execute(select(ERASURES).order_by(ERASURES.c.asked_ms)))


@pytest.mark.parametrize(
    ("link", "span", "left"),
    [
        (Interval(10, 90), Interval(20, 40), (Interval(10, 20), Interval(40, 90))),
        (Interval(10, None), Interval(20, 40), (Interval(10, 20), Interval(40, None))),
        (Interval(10, 90), Interval(20, None), (Interval(10, 20), None)),
        (Interval(10, 90), Interval(20, 90), (Interval(10, 20), None)),
        (Interval(10, 90), Interval(0, 40), (Interval(10, 10), Interval(40, 90))),
        (Interval(10, 90), Interval(0, 100), (Interval(10, 10), None)),
        (Interval(10, None), Interval(0, None), (Interval(10, 10), None)),
    ],
)
def test_a_link_without_a_span_is_what_is_before_it_and_what_is_after_it(
    link: Interval, span: Interval, left: tuple[Interval, Interval | None]
) -> None:
    assert pieces(link, span) == left
    common = within(link, span)
    assert not common.empty
    assert not any(common.overlaps(piece) for piece in left if piece is not None)


async def test_the_interval_goes_to_whoever_had_the_vehicle_under_a_secret_of_its_own(
    database: Database, registry: Registry
) -> None:
    link = await registry.register(D, ANA, 10, "driver")
    corrected = await done(database, wrong(20, 40, BEN, role="owner"))
    assert await spans(database, ANA) == [(10, 20), (40, None)]
    assert await spans(database, BEN) == [(20, 40)]
    before, given, after = await links_in(database)
    assert (corrected.cut, corrected.parted) == ([after.link], [before.link])
    assert (corrected.given, given.role) == ([given.link], "owner")
    # The row that exists goes on, so that a worker never sees the vehicle unlinked between two.
    assert after.link == link
    assert before.secret == after.secret != given.secret
    assert (before.role, after.role) == ("driver", "driver")


@pytest.mark.parametrize("seen_ms", [None, 95])
async def test_the_part_before_was_seen_to_have_ended_when_the_whole_was(
    database: Database, registry: Registry, seen_ms: int | None
) -> None:
    await registry.register(D, ANA, 10)
    await registry.close_link(D, 90)
    async with database.writing() as connection:
        await connection.execute(update(LINKS).values(seen_ended_ms=seen_ms))
    await done(database, wrong(20, 40))
    async with database.reading() as connection:
        seen = list(await connection.scalars(select(LINKS.c.seen_ended_ms)))
    assert seen == [seen_ms, seen_ms]


async def test_what_was_kept_is_asked_to_be_removed_and_nothing_of_the_person_is_withheld(
    database: Database, registry: Registry
) -> None:
    await registry.register(D, ANA, 10)
    other = await registry.register(DeviceId("dongle-2"), ANA, 10)
    corrected = await done(database, wrong(20, 40))
    (row,) = await requests(database)
    assert (row.kind, row.subject, row.from_ms, row.to_ms) == ("correction", ANA, 20, 40)
    assert row.reason == "sold_earlier"
    assert row.erasure == corrected.asked.erasure
    meant = set(msgspec.json.decode(row.links))
    assert meant == {*corrected.cut, *corrected.parted}
    assert other not in meant
    async with database.reading() as connection:
        # In another vehicle the person may have driven meanwhile.
        assert list(await connection.execute(select(RESTRICTIONS))) == []


async def test_asked_again_it_is_the_same_and_somebody_may_be_named_later(
    database: Database, registry: Registry
) -> None:
    await registry.register(D, ANA, 10)
    first = await done(database, wrong(20, 40))
    again = await done(database, wrong(20, 40))
    assert again.asked == first.asked
    assert again.cut == again.given == []
    named = await done(database, wrong(20, 40, BEN))
    assert (await done(database, wrong(20, 40, BEN))).given == named.given
    assert await spans(database, BEN) == [(20, 40)]
    assert len(await requests(database)) == 1
    with pytest.raises(OfficeError, match="already linked"):
        await done(database, wrong(20, 40, CAM))


@pytest.mark.parametrize("to_ms", [None, 90])
async def test_whoever_is_named_later_gets_what_the_person_had_and_no_more(
    database: Database, registry: Registry, to_ms: int | None
) -> None:
    await registry.register_device(D, 0)
    await registry.link(D, ANA, 10, 30)
    await registry.link(D, CAM, 30, 40)
    await registry.link(D, ANA, 40, 50)
    await done(database, wrong(20, to_ms))
    named = await done(database, wrong(20, to_ms, BEN))
    assert await spans(database, BEN) == [(20, 30), (40, 50)]
    assert (await done(database, wrong(20, to_ms, BEN))).given == named.given
    assert await spans(database, CAM) == [(30, 40)]


async def test_registering_the_same_link_again_does_not_undo_a_correction(
    database: Database, registry: Registry
) -> None:
    """A fleet's list is imported again and again, and does not know of the correction."""
    link = await registry.register(D, ANA, 10)
    await done(database, wrong(20, 40))
    before = await links_in(database)
    assert await registry.register(D, ANA, 10) == link
    with pytest.raises(OfficeError, match="corrected not to be"):
        await registry.register(D, ANA, 25)
    assert await links_in(database) == before
    await done(database, wrong(10, None))
    wholly = await links_in(database)
    with pytest.raises(OfficeError, match="person correct --whose"):
        await registry.register(D, ANA, 10)
    assert await links_in(database) == wholly
    await registry.register(D, ANA, NOW_MS)  # They bought it back.
    assert await spans(database, ANA) == [(NOW_MS, None)]


async def test_a_correction_may_be_corrected(database: Database, registry: Registry) -> None:
    await registry.register(D, ANA, 10)
    await done(database, wrong(20, 40, BEN))
    await done(database, wrong(20, 40, ANA, subject=BEN))
    assert await spans(database, ANA) == [(10, 20), (20, 40), (40, None)]


async def test_what_is_not_on_record_as_taken_is_given_to_nobody(
    database: Database, registry: Registry
) -> None:
    await registry.register(D, ANA, 10)
    await done(database, wrong(20, None))
    async with database.writing() as connection:
        await connection.execute(update(ERASURES).values(taken=None))
    with pytest.raises(OfficeError, match="not on record"):
        await done(database, wrong(20, None, BEN))
    assert await spans(database, BEN) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda: wrong(20, 40, ANA), "already"),
        (lambda: wrong(40, 20), "ends before it begins"),
        (lambda: wrong(0, 10), "not linked to that person"),
        (lambda: wrong(20, 40, device=DeviceId("dongle-3")), "not linked to that person"),
        (lambda: wrong(20, 40, subject=SubjectId("nobody")), "nobody of that id"),
        (lambda: wrong(20, 40, reason="Ana sold it"), "one word"),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    database: Database, registry: Registry, change: Callable[[], Correction], why: str
) -> None:
    await registry.register(D, ANA, 10)
    before = await links_in(database)
    with pytest.raises(OfficeError, match=why):
        await done(database, change())
    assert (await links_in(database), await requests(database)) == (before, [])


async def test_nobody_is_corrected_who_is_about_to_be_forgotten(
    database: Database, registry: Registry
) -> None:
    await registry.register(D, ANA, 10)
    async with database.writing() as connection:
        await ask(connection, NewErasure("erase", ANA, "asked"), NOW_MS)
    with pytest.raises(OfficeError, match="asked to be forgotten"):
        await done(database, wrong(20, 40))


async def test_a_request_that_names_the_link_means_both_parts_of_it(
    database: Database, registry: Registry
) -> None:
    link = await registry.register(D, ANA, 10)
    async with database.writing() as connection:
        await ask(connection, NewErasure("erase", ANA, "asked", links=[link]), NOW_MS)
    corrected = await done(database, wrong(20, 40))
    rows = {row.kind: set(msgspec.json.decode(row.links)) for row in await requests(database)}
    assert rows["erase"] == {link, *corrected.parted}


# Random histories: what is linked, ended and corrected, against a table of instants.

INSTANTS = range(24)
WHO = st.sampled_from([ANA, BEN, CAM])
SPAN = st.tuples(st.sampled_from(INSTANTS), st.one_of(st.none(), st.integers(1, 12))).map(
    lambda both: (both[0], None if both[1] is None else both[0] + both[1])
)
STEP = st.one_of(
    st.tuples(st.just("link"), WHO, SPAN),
    st.tuples(st.just("close"), st.sampled_from(INSTANTS)),
    # Mostly of whoever has the vehicle as the span begins.
    st.tuples(st.just("correct"), st.one_of(st.none(), WHO), SPAN, st.one_of(st.none(), WHO)),
    st.tuples(st.just("correct"), st.none(), SPAN, st.one_of(st.none(), WHO)),
)


class Model:
    """Whose each instant is, and the rows that were kept: by secret, instant, and whose they were."""

    def __init__(self) -> None:
        self.kept: set[tuple[bytes, int, str]] = set()

    async def drive(self, database: Database) -> None:
        """A reading at every instant of every link, under that link's pseudonym."""
        for link in await links_in(database):
            for at in INSTANTS:
                if Interval(link.from_ms, link.to_ms).holds(at):
                    self.kept.add((bytes(link.secret), at, link.subject))

    async def erase(self, database: Database, erasure: str) -> set[tuple[bytes, int, str]]:
        """What a store removes for a request: what is under its links' secrets, in its span."""
        (row,) = [one for one in await requests(database) if one.erasure == erasure]
        meant = set(msgspec.json.decode(row.links))
        secrets = {bytes(one.secret) for one in await links_in(database) if one.link in meant}
        gone = {
            one
            for one in self.kept
            if one[0] in secrets and Interval(row.from_ms, row.to_ms).holds(one[1])
        }
        self.kept -= gone
        return gone


async def owners(database: Database) -> list[set[SubjectId]]:
    links = await links_in(database)
    return [
        {one.subject for one in links if Interval(one.from_ms, one.to_ms).holds(at)}
        for at in INSTANTS
    ]


async def play(steps: list[tuple[Any, ...]], folder: Path) -> None:
    database = await Database.create(folder / "office.sqlite")
    registry, model = Registry(database), Model()
    await registry.register(D, ANA, 0)
    await model.drive(database)
    for step in steps:
        before = await owners(database)
        try:
            if step[0] == "link":
                async with database.writing() as connection:
                    await add_links(connection, [NewLink(D, step[1], *step[2])])
            elif step[0] == "close":
                async with database.writing() as connection:
                    await close_link(connection, D, step[1])
            else:
                _, who, (from_ms, to_ms), whose = step
                had = who or next(iter(before[from_ms]), ANA)
                one = wrong(from_ms, to_ms, whose, subject=had)
                corrected = await done(database, one)
                await holds(model, database, one, corrected, before)
        except OfficeError:
            assert await owners(database) == before
        assert all(len(here) <= 1 for here in await owners(database))
        secrets: dict[bytes, SubjectId] = {}
        for link in await links_in(database):
            assert secrets.setdefault(bytes(link.secret), link.subject) == link.subject
        await model.drive(database)
    await database.close()


async def holds(
    model: Model,
    database: Database,
    one: Correction,
    corrected: Corrected,
    before: list[set[SubjectId]],
) -> None:
    """What a correction did, instant by instant."""
    span, after = Interval(one.from_ms, one.to_ms), await owners(database)
    for at in INSTANTS:
        if not span.holds(at) or (corrected.cut and before[at] != {one.subject}):
            assert after[at] == before[at]
        elif corrected.cut:
            assert after[at] == (set() if one.whose is None else {one.whose})
        assert one.subject not in after[at] or not span.holds(at)
    theirs = {row for row in model.kept if row[2] == one.subject}
    gone = await model.erase(database, corrected.asked.erasure)
    # Only the person's rows go, and of the interval none of theirs is left but of other links.
    assert gone <= theirs
    assert all(span.holds(at) for _, at, _ in gone)
    if corrected.cut:
        assert {at for at in INSTANTS if span.holds(at) and before[at] == {one.subject}} <= {
            at for _, at, _ in gone
        }


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=7))
def test_at_each_instant_one_person_has_the_vehicle_and_no_other_row_is_touched(
    steps: list[tuple[Any, ...]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(steps, Path(folder)))
