"""``roadfade policy publish``: a version is compared, recorded, and published to every process.

It works on the office's database, as every change for the workers does; the office process
publishes it. It takes effect at its date, or at once if that is past.
"""

import asyncio
from typing import Annotated, Any

import typer

from office.errors import CannotFollowError
from policy.compiled import CompiledPolicy
from policy.diff.approvals import approval_words
from policy.diff.change import Change
from policy.diff.places import place_of, sheet_of
from policy.explain.cases import run_cases
from roadfade.clock import wall_ms
from roadfade.commands.policy.as_json import cases_json, diff_json
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.in_force.documents import load_files, shipped_policy_path
from roadfade.refusal import NOT_PUBLISHED
from roadfade.terminal.answers import FAILS, print_json, refuse, settings
from roadfade.terminal.arguments import AsJson, PolicyPath
from telemetry.instants import format_instant
from telemetry.wire.publication import Publication, encode_publication, texts_sha256


def publish_command(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Publish nothing; only check whether it could be published."),
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until the office has published it.")
    ] = 0,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Publish a version; fails if it allows more without approval, or cannot follow the last."""
    from roadfade.in_force import publishing as versioning  # noqa: PLC0415  # the database toolkit is heavy

    compiled = policy_or_exit(policy)
    plan, tested = compiled.plan, run_cases(compiled)
    if tested.failed:
        refuse(
            f"{len(tested.failed)} of the document's own cases do not hold: mend the case, or what "
            "it is about (`roadfade policy test` runs them)",
            facts=cases_json(tested),
            lines=[str(one) for one in tested.failed],
        )
    current = settings()
    files = load_files(policy or shipped_policy_path())
    made = Publication(plan.policy, plan.version, plan.effective_ms, wall_ms(), files)
    try:
        if check:
            proposal, published = versioning.check_publication(current, made), False
        else:
            proposal, published = asyncio.run(versioning.publish_version(current, made, wait))
    except CannotFollowError as error:
        where = sheet_of(compiled.document, error.purpose).where(error.key)
        refuse(f"{where}: {error}", facts={"file": where.file, "line": where.line})
    if proposal.undecided and proposal.difference is not None:
        refuse(
            versioning.UNDECIDED,
            facts=diff_json(proposal.difference, lambda change: place_of(change, compiled)),
            lines=[_refused(change, compiled) for change in proposal.difference.undecided],
        )
    facts = _facts(proposal.publication, published=published)
    if as_json:
        print_json(facts)
    else:
        done = "could be published" if check else "is published"
        typer.echo(f"{facts['policy']} {facts['version']} {done}; takes effect {facts['starts']}")
    if wait and not check and not published:
        typer.echo(NOT_PUBLISHED, err=True)
        raise typer.Exit(FAILS)


def _refused(change: Change, compiled: CompiledPolicy) -> str:
    """The place, what it widens, and what to write if that is decided."""
    said = f"{place_of(change, compiled)}: {change.sentence}"
    return said if change.needs_notice else f"{said}; approve as: {approval_words(change)[0]}"


def _facts(one: Publication, *, published: bool) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "version": one.version,
        "starts": format_instant(one.starts_ms),
        "sha256": texts_sha256(one.files),
        "bytes": len(encode_publication(one)),
        "told": published,
    }
