"""``roadfade policy notice | record | coverage``: pages made from the plan, for people."""

from pathlib import Path
from typing import Annotated

import typer

from pages.coverage import coverage, coverage_json, coverage_page
from pages.notice import notice_page
from pages.processing_record import processing_record, record_page
from roadfade.page_file import write_below, write_page
from roadfade.policy_artefacts import artefacts
from roadfade.policy_choice import FAILS, AsJson, Lang, PolicyPath, plan_or_exit, print_json

Language = Annotated[Lang, typer.Option("--lang", help="The page's language.")]
Page = Annotated[Path | None, typer.Option("--html", help="Write the page into this file.")]


def notice(
    *, lang: Language = Lang.EN, html: Page = None, policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The public notice as a page that stands alone; --json has both languages."""
    document, plan = plan_or_exit(policy, as_json=as_json)
    page = notice_page(plan, document, lang.value)
    if html is not None:
        write_page(html, page)
    if as_json:
        print_json({"notice": {one.value: notice_page(plan, document, one.value) for one in Lang}})
    elif html is None:
        typer.echo(page, nl=False)


def record(
    *, lang: Language = Lang.EN, html: Page = None, policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The record of processing activities, as a page or as JSON."""
    document, plan = plan_or_exit(policy, as_json=as_json)
    page = record_page(plan, document, lang.value)
    if html is not None:
        write_page(html, page)
    if as_json:
        print_json(processing_record(plan, document))
    elif html is None:
        typer.echo(page, nl=False)


def coverage_command(
    *, lang: Language = Lang.EN, html: Page = None, policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Clause by clause: rules, duties, cases and evidence; fails where a clause has none."""
    document, plan = plan_or_exit(policy, as_json=as_json)
    found = coverage(document, plan)
    if html is not None:
        write_page(html, coverage_page(found, plan, document, lang.value))
    missing = [clause.id for clause in found if clause.missing]
    if as_json:
        print_json(coverage_json(found))
    else:
        for clause in found:
            typer.echo(
                f"{clause.id}: {len(clause.rules)} rules, {len(clause.duties)} duties, "
                f"{len(clause.cases)} cases, {len(clause.evidence)} tests"
            )
        typer.echo(f"{len(found) - len(missing)} of {len(found)} clauses are carried out")
    if missing:
        typer.echo(f"not carried out: {', '.join(missing)}", err=True)
        raise typer.Exit(FAILS)


def generate(
    folder: Annotated[Path, typer.Argument(help="Where to; what stands there is replaced.")],
    *, policy: PolicyPath = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write everything that is made from the policy into a folder."""
    document, plan = plan_or_exit(policy, as_json=as_json)
    made = artefacts(plan, document)
    for name, text in made.items():
        write_below(folder, name, text)
    if as_json:
        print_json({"written": sorted(made)})
    else:
        typer.echo(f"{len(made)} files in {folder}")
