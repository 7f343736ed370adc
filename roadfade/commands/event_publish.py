"""``roadfade event publish``: events of a file onto their topic, as another system would.

In: a file of events. Out: how many were published. It needs a broker and the right to write there,
and nothing of the office; whether an event is taken the office alone decides.
"""

import asyncio
import base64
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roadfade.commands.event_file import FileEvent, read_events
from roadfade.refusal import NotReady, Refusal
from roadfade.terminal.answers import print_json, settings
from roadfade.terminal.arguments import AsJson
from telemetry.topics import EVENTS_REPORTED
from telemetry.wire.event import ReportedEvent, encode_event

if TYPE_CHECKING:
    from bus.ports import Broker

AT_ONCE: Final = 1_000
"""Events that are handed over together."""
DEADLINE_MS: Final = 30_000


def publish(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="JSON lines of kind, at, subject or device, and an id of your own if you like.",
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Report events on their topic, as another system does; the office records them.

    All of the file is read before the first is sent. What is sent again does nothing.
    """
    from roadfade.in_force.broker import connection_of, require_broker  # noqa: PLC0415  # heavy

    reported = [_reported(one) for one in read_events(file, with_ids=True)]
    current = settings()
    require_broker(current)
    asyncio.run(_publish(connection_of(current), reported))
    if as_json:
        print_json({"published": len(reported)})
    else:
        typer.echo(
            f"published {len(reported):,} events; the office records them, or says on audit.events "
            "which it refuses"
        )


def _reported(one: FileEvent) -> tuple[bytes, bytes]:
    """The key and the value of an event's record."""
    event = ReportedEvent(
        v=1,
        id=_id_of(one) if one.id is None else one.id,
        kind=one.kind,
        at=one.at,
        subject=one.subject and str(one.subject),
        device=one.device and str(one.device),
    )
    try:
        return event.key, encode_event(event)
    except ValueError:
        msg = (
            f"{one.where}: no event that the topic takes; an id has 8 to 64 letters, digits, _ or -"
            ", a person's or a device's id at most 128 characters"
        )
        raise Refusal(msg) from None


def _id_of(one: FileEvent) -> str:
    """The same for the same event, so that a file that is sent again does nothing."""
    facts = (one.kind, str(one.at_ms), one.subject or "", one.device or "")
    digest = sha256("\0".join(facts).encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=")


async def _publish(broker: "Broker", reported: Sequence[tuple[bytes, bytes]]) -> None:
    from bus.failures import BrokerError, SendFailedError  # noqa: PLC0415  # heavy, as above
    from bus.publisher import Publisher  # noqa: PLC0415  # likewise
    from roadfade.clock import wall_ms  # noqa: PLC0415  # likewise

    try:
        async with broker.admin() as admin:
            there = (await admin.describe([EVENTS_REPORTED]))[EVENTS_REPORTED]
        if there is None:
            msg = (
                f"there is no topic {EVENTS_REPORTED}, or you may not write there: run `roadfade "
                "topics apply`, and grant the rights of `roadfade policy acls`"
            )
            raise NotReady(msg)
        async with Publisher(
            broker, clock=wall_ms, client_id="events", compression=None, deadline_ms=DEADLINE_MS
        ) as publisher:
            for start in range(0, len(reported), AT_ONCE):
                await publisher.publish_to(EVENTS_REPORTED, reported[start : start + AT_ONCE])
    except (BrokerError, SendFailedError, TimeoutError) as error:
        msg = (
            "the broker did not take the events in time: check that it runs, then send the file "
            "again; what was taken does nothing a second time"
        )
        raise Refusal(msg) from error
