"""``roadfade policy publish``: a version is compared, put on record, and told to every process.

It works on the office's database, as whatever is told to the workers does; the office process
publishes it. It takes effect at its date, or at once where that is past.
"""

import asyncio
from typing import Annotated, Any, NoReturn

import typer

from office.database import Database
from office.errors import OfficeError
from office.outbox import Outbox
from office.policies import published, recorded
from policy.diff import Version
from policy.publication import Publication, encode_publication, texts_sha256
from policy.renderings_diff import diff_json
from roadfade.clock import wall_ms
from roadfade.documents import load_files, shipped_policy_path
from roadfade.office_desk import NOT_PUBLISHED
from roadfade.planning import own_publication
from roadfade.policy_choice import FAILS, AsJson, PolicyPath, plan_or_exit, print_json
from roadfade.refusal import Refusal, settings
from roadfade.settings import Settings
from roadfade.versioning import UNDECIDED, Proposal, carry_through, propose, record_first
from telemetry.instants import format_instant


def publish_command(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Publish nothing: only say whether it could be.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until every process was told.")
    ] = 0,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Publish a version; fails where it widens undecided, goes back, or is another policy."""
    document, plan = plan_or_exit(policy, as_json=as_json)
    current = settings()
    files = load_files(policy or shipped_policy_path())
    made = Publication(plan.policy, plan.version, plan.effective_ms, wall_ms(), files)
    try:
        if check:
            proposal = _checked(current, made, (plan, document))
            told = _facts(made) | {"undecided": proposal.undecided}
        else:
            proposal, told = asyncio.run(_publish(current, made, (plan, document), wait))
    except (OfficeError, Refusal) as refusal:
        _refuse({"refused": str(refusal)}, as_json=as_json)
    if proposal.undecided and proposal.difference is not None:
        _refuse({"refused": UNDECIDED} | diff_json(proposal.difference), as_json=as_json)
    if as_json:
        print_json(told)
    else:
        done = "could be published" if check else "is published"
        typer.echo(f"{told['policy']} {told['version']} {done}; takes effect {told['starts']}")
    if wait and not check and not told["told"]:
        typer.echo(NOT_PUBLISHED, err=True)
        raise typer.Exit(FAILS)


def _checked(current: Settings, made: Publication, version: Version) -> Proposal:
    """What it would change, from what the office has on record; nothing is written."""
    known = recorded(current.office_path) or (own_publication(current),)
    return propose(made, version, known)


async def _publish(
    current: Settings, made: Publication, version: Version, wait_s: float
) -> tuple[Proposal, dict[str, Any]]:
    database = await Database.open(current.office_database)
    try:
        await record_first(database, current)
        proposal = await asyncio.to_thread(propose, made, version, await published(database))
        if proposal.undecided:
            return proposal, {}
        on_record = await carry_through(database, proposal)
        outbox = Outbox(database)
        told = wait_s > 0 and await outbox.wait_published(await outbox.last_sequence(), wait_s)
    finally:
        await database.close()
    return proposal, _facts(on_record) | {"told": told}


def _facts(one: Publication) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "version": one.version,
        "starts": format_instant(one.starts_ms),
        "sha256": texts_sha256(one.files),
        "bytes": len(encode_publication(one)),
    }


def _refuse(facts: dict[str, Any], *, as_json: bool) -> NoReturn:
    if as_json:
        print_json(facts)
    else:
        typer.echo(f"refused: {facts['refused']}", err=True)
        undecided = [change for change in facts.get("changes", ()) if change["needs_decision"]]
        for change in undecided:
            typer.echo(f"{change['sentence']}; approve as: {change['approve_as']}", err=True)
    raise typer.Exit(FAILS)
