"""``roadfade policy notice | record``: pages made from the plan, for people outside."""

from pathlib import Path
from typing import Annotated

import typer

from policy.notice_page import notice_page
from policy.processing_record import processing_record, record_page
from roadfade.policy_choice import AsJson, Lang, PolicyPath, plan_or_exit, print_json

Language = Annotated[Lang, typer.Option("--lang", help="The page's language.")]
Page = Annotated[Path | None, typer.Option("--html", help="Write the page into this file.")]


def add_to(app: typer.Typer) -> None:
    """Give the policy's command line these commands."""
    app.command()(notice)
    app.command()(record)


def notice(
    *, lang: Language = Lang.EN, html: Page = None, policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The public notice as a page that stands alone; --json has both languages."""
    document, plan = plan_or_exit(policy, as_json=as_json)
    page = notice_page(plan, document, lang.value)
    if html is not None:
        html.write_text(page, encoding="utf-8")
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
        html.write_text(page, encoding="utf-8")
    if as_json:
        print_json(processing_record(plan, document))
    elif html is None:
        typer.echo(page, nl=False)
