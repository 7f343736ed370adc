"""``roadfade policy diff`` and ``dry-run``: a policy against another one, or against a drive.

Exit codes as for every policy command: 0 holds, 1 fails, 2 wrong usage.
"""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from assessment.risk_shares import Risk
from policy.diff.diff import diff
from policy.plan.plan import Plan
from roadfade.commands.policy.as_json import diff_json
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.commands.policy.diff_screen import diff_lines, risk_json, risk_lines
from roadfade.terminal.answers import FAILS, print_json, settings, usage, write_page
from roadfade.terminal.arguments import (
    AsJson,
    AsRole,
    Bus,
    KeepTime,
    Lang,
    PolicyPath,
    ZoneName,
    zone,
)


def diff_command(
    old: Annotated[Path, typer.Argument(metavar="A", help="The document's folder before.")],
    new: Annotated[
        Path | None, typer.Argument(metavar="B", help="The folder after; default: --policy.")
    ] = None,
    *,
    risk: Annotated[
        Path | None,
        typer.Option(help="Also run this recorded fleet (NDJSON) through both: who can be joined."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write one page for those who decide.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="The page's language.")] = Lang.EN,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Describe what B changes in A; fails if B allows more and contains no approval for that."""
    before = policy_or_exit(old)
    after = policy_or_exit(new or policy)
    difference = diff(before, after)
    if html is not None:
        from pages.diff_page import diff_page  # noqa: PLC0415  # heavy; few ask for the page

        write_page(html, diff_page(before, after, difference, lang.value))
    assessed = None if risk is None else _assess(risk, before.plan, after.plan)
    if as_json:
        extra = {} if assessed is None else {"risk": risk_json(*assessed)}
        print_json(diff_json(difference) | extra)
    else:
        lines = [*diff_lines(difference), *(() if assessed is None else risk_lines(*assessed))]
        for line in lines:
            Console().print(line, soft_wrap=True)
    if difference.undecided:
        raise typer.Exit(FAILS)


def _assess(fleet: Path, old: Plan, new: Plan) -> tuple[Risk, Risk]:
    from assessment.risk import assess  # noqa: PLC0415
    from roadfade.commands.vehicles.payloads import read_payloads  # noqa: PLC0415  # a heavy client
    from roadfade.refusal import Refusal  # noqa: PLC0415

    try:
        payloads = [payload.value for payload in read_payloads([str(fleet)])]
        return assess(old, payloads), assess(new, payloads)
    except (Refusal, OverflowError) as error:
        usage(str(error))
    except msgspec.DecodeError:
        usage(
            "the fleet file has lines that are no envelope; `roadfade publish --check` says where"
        )


def dry_run_command(
    file: Annotated[
        Path, typer.Argument(help="Envelopes (JSON or NDJSON), or a capture with --dbc and --map.")
    ],
    *,
    dbc: Annotated[Path | None, typer.Option(help="CAN database that decodes the capture.")] = None,
    map_name: Annotated[
        str | None, typer.Option("--map", help="Map to signals: a file, or a shipped map's name.")
    ] = None,
    keep_time: KeepTime = False,
    zone_name: ZoneName = "UTC",
    bus: Bus = None,
    html: Annotated[Path | None, typer.Option(help="Also write one page, maps and plots.")] = None,
    lang: Annotated[Lang, typer.Option(help="The page's language.")] = Lang.EN,
    consent: Annotated[bool, typer.Option(help="As if the person agreed to everything.")] = True,
    role: AsRole = "driver",
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Show what each purpose would get of a recorded drive; nothing is published."""
    from roadfade.commands.policy import dry_run as work  # noqa: PLC0415  # decoders are heavy
    from roadfade.commands.vehicles.recorded import RecordedDrive  # noqa: PLC0415  # likewise

    if (dbc is None) != (map_name is None):
        usage("a database decodes and a map names: give both --dbc and --map, or neither")
    of_zone = zone(zone_name)
    drive = None
    if dbc is not None and map_name is not None:
        held_mib_max = settings().replay_held_mib_max
        drive = RecordedDrive(file, dbc, map_name, of_zone, keep_time, bus, held_mib_max)
    work.run_dry_run(
        file,
        drive,
        html,
        lang.value,
        agreed=consent,
        role=role,
        policy=policy,
        as_json=as_json,
    )
