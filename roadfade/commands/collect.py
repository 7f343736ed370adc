"""``roadfade collect``: what devices are to collect, and the keys by which they check that.

In: a device's id, a signed list, or public keys. Out: signals, rates and precisions, as lines or
JSON; exit 1 if there is no list, or it does not hold. No identifier is printed.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from roadfade.clock import wall_ms
from roadfade.commands.office_desk import desk_of
from roadfade.refusal import Refusal
from roadfade.terminal.answers import print_json, settings, usage
from roadfade.terminal.arguments import AsJson
from telemetry.identity import DeviceId
from telemetry.instants import HOUR_MS, format_instant, parse_instant
from telemetry.wire.collection_list import SIGNED_BYTES_MAX, CollectionList, take_signed

if TYPE_CHECKING:
    from office.store.database import Database

KEYS_BYTES_MAX: Final = 1024 * 1024
NO_LIST: Final = (
    "no list was made for that device: check the device id (`roadfade device show`), and see that "
    "`roadfade office` runs"
)
NOTHING: Final = "nothing: no purpose needs anything of this device now"


def show(
    ctx: typer.Context,
    *,
    device: Annotated[str, typer.Argument(help="Opaque id of the dongle; never a serial.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Also write the list there as it was signed."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the list that the office made last for a device: what it is to collect, and how often.

    The file of --to holds the device's id, as the list does that the device fetches.
    """
    from office.collection_lists import standing_lists  # noqa: PLC0415  # the toolkit is heavy

    async def work(database: "Database") -> bytes | None:
        found = await standing_lists(database, [DeviceId(device)])
        return found[DeviceId(device)].value if found else None

    signed = desk_of(ctx).on_database(work)
    listed = None if signed is None else take_signed(signed)
    if signed is None or listed is None:
        raise Refusal(NO_LIST)
    if to is not None:
        _write(to, signed)
    _tell(listed, as_json=as_json)


def verify(
    *,
    file: Annotated[Path, typer.Argument(help="A signed list, as a device fetches it.")],
    keys: Annotated[
        Path,
        typer.Option(
            "--keys", metavar="FILE", help="Public keys, as `roadfade collect keys` prints them."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Verify a signed list offline, as a device does: by these keys, unchanged, not ended."""
    from roadfade.collection.signed_lists import NotAListError, verified  # noqa: PLC0415  # heavy

    try:
        listed = verified(_bytes_of(file, SIGNED_BYTES_MAX), _bytes_of(keys, KEYS_BYTES_MAX))
    except NotAListError as fault:
        msg = f"this list does not hold: {fault}"
        raise Refusal(msg) from None
    if parse_instant(listed.valid_until) <= wall_ms():
        msg = (
            f"this list ended at {listed.valid_until}: a device that has no other collects nothing"
        )
        raise Refusal(msg)
    _tell(listed, as_json=as_json)


def keys_command(*, as_json: AsJson = False) -> None:
    """Print the public keys of lists as a JWK set: give them to devices, with their own keys.

    Former ones are among them until the last list that they signed has ended.
    """
    from roadfade.collection.keys import known_keys  # noqa: PLC0415  # cryptography is heavy

    found = known_keys(settings().collection_key_file).public_set(wall_ms())
    if as_json:
        print_json(found)
    else:
        typer.echo(json.dumps(found))


def rotate_key(
    *,
    at_once: Annotated[
        bool,
        typer.Option(
            "--at-once",
            help="The former key is in strange hands: drop it now. Devices refuse every list until "
            "they have the new key.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign lists with a new key from now on; the office makes every list anew.

    Give devices the new set (`roadfade collect keys`) within the life of a list.
    """
    from roadfade.collection.keys import rotate  # noqa: PLC0415  # cryptography is heavy

    current, now_ms = settings(), wall_ms()
    life_ms = current.collection_list_hours * HOUR_MS
    found = rotate(current.collection_key_file, now_ms, life_ms, at_once=at_once)
    others = len(found.public_set(now_ms)["keys"]) - 1
    ends = None if at_once else format_instant(now_ms + life_ms)
    if as_json:
        print_json({"key_id": found.signer.key_id, "former": others, "former_until": ends})
        return
    typer.echo(f"lists are signed with {found.signer.key_id} from now on")
    if ends is None:
        typer.echo("no former key is left: give devices the new set (`roadfade collect keys`) now")
    else:
        typer.echo(
            f"{others} former keys stay in the set, the last until {ends}: give devices the new "
            "set (`roadfade collect keys`) before that"
        )


def _tell(listed: CollectionList, *, as_json: bool) -> None:
    if as_json:
        facts: dict[str, Any] = msgspec.to_builtins(listed)
        del facts["device"]
        print_json(facts)
        return
    typer.echo(f"policy    {listed.policy_version}")
    typer.echo(f"holds     {listed.issued_at} to {listed.valid_until}, number {listed.serial}")
    typer.echo(f"location  {'on' if listed.location else 'off'}")
    if not listed.signals:
        typer.echo(NOTHING)
    for one in listed.signals:
        rate = "each" if one.rate_ms is None else f"one in {one.rate_ms} ms"
        typer.echo(f"{one.path}  {rate}  {one.precision or 'as measured'}")


def _bytes_of(file: Path, bytes_max: int) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(bytes_max + 2)
    except OSError as error:
        usage(f"cannot read {file}: {error.strerror}; name a file you may read")
    return content.strip()


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        usage(
            f"cannot write the file of --to: {error.strerror}; name one in a folder you may write"
        )
