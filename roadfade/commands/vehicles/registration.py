"""Whether the office knows a dongle: checked before its readings are sent."""

from collections.abc import Collection

from processors.packed_people import PackedPeople
from processors.people import People
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from telemetry.identity import DeviceId
from telemetry.instants import format_instant


async def people_of(settings: Settings, devices: Collection[str]) -> People | None:
    """What the office knows of these devices; None if no office database is here."""
    if not settings.office_path.exists():
        return None
    # The database toolkit is heavy, and not every machine that sends has an office.
    from office.registry.device_rows import standing_of  # noqa: PLC0415
    from office.store.database import Database  # noqa: PLC0415

    async with Database.opened(settings.office_path) as database:
        rows = await standing_of(database, {DeviceId(device) for device in devices})
    people = PackedPeople()
    for key, row in rows:
        people.apply(key, row)
    return people


async def registered_since(settings: Settings, device: str) -> int | None:
    """Since when the dongle is known; Refusal if it is not, None if there is no office here."""
    people = await people_of(settings, [device])
    if people is None:
        return None
    since_ms = people.registered_ms(device)
    if since_ms is None:
        msg = (
            "the office does not know this dongle, so everything would be rejected as "
            "unknown_device: register it first (roadfade register --device … --subject … --from …)"
        )
        raise Refusal(msg)
    return since_ms


def require_registered_by(since_ms: int | None, first_ms: int) -> None:
    """Refusal if readings begin before their dongle was known."""
    if since_ms is None or first_ms >= since_ms:
        return
    msg = (
        f"the readings begin at {format_instant(first_ms)}, the dongle was registered from "
        f"{format_instant(since_ms)} on: what is older would be rejected as before_registration; "
        "register a dongle with an earlier --from, under an id of its own"
    )
    raise Refusal(msg)
