"""``roadfade policy dry-run FILE``: a drive through the policy, as a table, JSON or a page."""

from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from assessment.dry_run import DryRun, dry_run
from assessment.dry_run_page import assumed_words, dry_run_page
from ingest.refused import Refused
from pages.words.reasons import reason_words
from pages.words.translation import translation
from policy.plan.plan import Plan
from policy.vocabulary.bilingual import Language
from roadfade.clock import wall_ms
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.commands.vehicles.payloads import read_payloads
from roadfade.commands.vehicles.recorded import RecordedDrive, outcome, show
from roadfade.refusal import Refusal
from roadfade.terminal.answers import FAILS, print_json, usage, write_page
from roadfade.terminal.arguments import AsJson, PolicyPath
from telemetry.identity import DeviceId
from telemetry.wire.control import Role
from telemetry.wire.envelope import encode_envelope


def run_dry_run(
    file: Path,
    drive: RecordedDrive | None,
    html: Path | None,
    language: Language,
    *,
    agreed: bool,
    role: Role,
    policy: PolicyPath,
    as_json: AsJson,
) -> None:
    """Show what each purpose would get of it; fails if nothing of the file is admitted.

    ``drive``: the file as a capture; without it, it holds envelopes.
    """
    compiled = policy_or_exit(policy)
    try:
        payloads, captured = _payloads(file, drive, compiled.plan)
    except (Refusal, Refused) as refused:
        usage(str(refused))
    try:
        done = dry_run(compiled.plan, payloads, agreed=agreed, role=role)
    except OverflowError as error:
        usage(str(error))
    if html is not None:
        write_page(html, dry_run_page(done, compiled.document, language))
    if as_json:
        print_json(as_object(done) | ({} if captured is None else {"capture": captured}))
    else:
        Console().print(_table(done, language))
        typer.echo(assumed_words(done.role, translation(language), agreed=done.agreed))
        if done.rejected:
            listed = ", ".join(f"{why} {count}" for why, count in done.rejected.items())
            typer.echo(f"not admitted: {listed}; `roadfade publish --check` says where", err=True)
        if captured is not None:
            show(captured)
    if not any(flow.entered for flow in done.ledger.values()):
        raise typer.Exit(FAILS)


def _payloads(
    file: Path, drive: RecordedDrive | None, plan: Plan
) -> tuple[list[bytes], dict[str, Any] | None]:
    """The envelopes, and of a capture what became of it."""
    if drive is None:
        return [payload.value for payload in read_payloads([str(file)])], None
    collected = frozenset(signal.path for signal in plan.catalogue)
    taken = drive.open(plan.catalogue)
    envelopes = taken.envelopes(
        DeviceId("dry-run"), collected, wall_ms(), keep_time=drive.keep_time
    )
    payloads = list(map(encode_envelope, envelopes))
    return payloads, outcome(taken, taken.counts.readings)


def as_object(done: DryRun) -> dict[str, Any]:
    """The run as JSON: counts and reasons, no value."""
    return {
        "policy_version": done.plan.policy_version,
        "role": done.role,
        "agreed": done.agreed,
        "envelopes": done.envelopes,
        "readings": done.readings,
        "rejected": dict(done.rejected),
        "outputs": {
            name: {
                "in": flow.entered,
                "delivered": flow.delivered,
                **({"without_consent": done.unagreed[name].delivered} if done.agreed else {}),
                "withheld": flow.withheld,
                "signals": {path: len(values) for path, values in done.after[name].items()},
            }
            for name, flow in done.ledger.items()
        },
    }


def _table(done: DryRun, language: Language) -> Table:
    table = Table(title=f"{done.readings:,} readings through {done.plan.policy_version}")
    beside = ["without consent"] if done.agreed else []
    for column in ("output", "class", "remains", *beside, "withheld"):
        table.add_column(column)
    words = translation(language)
    for output in done.plan.outputs:
        flow = done.ledger[output.id]
        most = sorted(flow.withheld.items(), key=lambda item: -item[1])
        reasons = "; ".join(f"{reason_words(why, words)} {count:,}" for why, count in most)
        remains = f"{flow.delivered:,} of {flow.entered:,}"
        unagreed = [f"{done.unagreed[output.id].delivered:,}"] if done.agreed else []
        table.add_row(output.id, output.recipient_class, remains, *unagreed, reasons)
    return table
