"""``roadfade policy publish``: the record by which a version of the policy is made known.

Written to a file or standard output; what puts it on ``control.policies`` takes it from there.
"""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from policy.diff import diff
from policy.publication import Publication, PublicationError, encode_publication, texts_sha256
from roadfade.clock import wall_ms
from roadfade.documents import load_files, shipped_policy_path
from roadfade.policy_choice import FAILS, AsJson, PolicyPath, plan_or_exit, print_json
from roadfade.policy_diff_screen import diff_lines
from telemetry.instants import format_instant


def publish_command(
    *,
    after: Annotated[
        Path | None, typer.Option(help="The version in force: widenings of it must be decided.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the record into this file.")] = None,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Make the record that publishes a version; fails where it widens undecided or goes back."""
    document, plan = plan_or_exit(policy, as_json=as_json)
    if after is not None:
        old_document, old_plan = plan_or_exit(after, as_json=as_json)
        if plan.version <= old_plan.version:
            _fail(f"version {plan.version} does not follow version {old_plan.version}")
        difference = diff((old_plan, old_document), (plan, document))
        if difference.undecided:
            _fail("\n".join(str(line) for line in diff_lines(difference)))
    files = load_files(policy or shipped_policy_path())
    made = Publication(plan.policy, plan.version, plan.effective_ms, wall_ms(), files)
    try:
        value = encode_publication(made)
    except PublicationError as error:
        _fail(str(error))
    if out is not None:
        out.write_bytes(value)
    told = {
        "policy": made.policy,
        "version": made.version,
        "starts": format_instant(made.starts_ms),
        "sha256": texts_sha256(files),
        "bytes": len(value),
    }
    if as_json:
        print_json(told)
    else:
        typer.echo(f"{told['policy']} {told['version']} starts {told['starts']}")


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(FAILS)
