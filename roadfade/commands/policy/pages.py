"""``roadfade policy notice | page | record | coverage | generate``: what is made from the plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from pages.coverage import coverage, coverage_json, totals
from pages.coverage_page import coverage_page
from pages.notice.page import notice_page
from pages.processing_record import activity, processing_record, record_page
from pages.purpose_page import purpose_page
from policy.compiled import CompiledPolicy
from policy.language.purpose_file import Purpose
from policy.vocabulary.bilingual import Language
from policy.vocabulary.nearest import write_nearest
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.commands.policy.generated import artefacts
from roadfade.commands.policy.screens import words_of
from roadfade.terminal.answers import print_json, usage, write_below, write_page
from roadfade.terminal.arguments import AsJson, Lang, PolicyPath

InLanguage = Annotated[Lang, typer.Option("--lang", help="The page's language.")]
Page = Annotated[Path | None, typer.Option("--html", help="Write the page into this file.")]


def notice(
    *, lang: InLanguage = Lang.EN, html: Page = None, policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The public notice as a self-contained page; --json has both languages."""
    _answer(_Asked(lang, html, policy, as_json), notice_page, _notices)


def purpose_command(
    *,
    purpose: Annotated[str, typer.Option(help="A purpose of the document.")],
    lang: InLanguage = Lang.EN,
    html: Page = None,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """One purpose on one page: what is collected, why, how precise, how long, how to stop it."""

    def known(compiled: CompiledPolicy) -> Purpose:
        pages = compiled.document.pages
        if purpose not in pages:
            among = f"one of: {', '.join(pages)}"
            usage(f"the policy has no purpose `{purpose}`; {write_nearest(purpose, pages, among)}")
        return pages[purpose]

    def as_page(compiled: CompiledPolicy, language: Language) -> str:
        return purpose_page(compiled, known(compiled).purpose, language)

    def as_object(compiled: CompiledPolicy) -> dict[str, Any]:
        return activity(compiled, known(compiled))

    _answer(_Asked(lang, html, policy, as_json), as_page, as_object)


def record(
    *, lang: InLanguage = Lang.EN, html: Page = None, policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The record of processing activities, as a page or as JSON."""
    _answer(_Asked(lang, html, policy, as_json), record_page, processing_record)


def coverage_command(
    *, lang: InLanguage = Lang.EN, html: Page = None, policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Clause by clause: what is carried out, what is written only, what is left to people."""
    _answer(_Asked(lang, html, policy, as_json), _clauses, _clauses_json, _clause_lines)


class _Asked(NamedTuple):
    lang: Lang
    html: Path | None
    policy: Path | None
    as_json: bool


def _answer(
    asked: _Asked,
    build: Callable[[CompiledPolicy, Language], str],
    as_object: Callable[[CompiledPolicy], dict[str, Any]],
    as_lines: Callable[[CompiledPolicy], list[str]] | None = None,
) -> None:
    """Write a page into a file, or print it, its JSON, or the lines that stand for it."""
    compiled = policy_or_exit(asked.policy)
    if asked.html is not None:
        write_page(asked.html, build(compiled, asked.lang.value))
    if asked.as_json:
        print_json(as_object(compiled))
    elif as_lines is not None:
        typer.echo("\n".join(as_lines(compiled)))
    elif asked.html is None:
        typer.echo(build(compiled, asked.lang.value), nl=False)


def _notices(policy: CompiledPolicy) -> dict[str, Any]:
    return {"notice": {one.value: notice_page(policy, one.value) for one in Lang}}


def _clauses(policy: CompiledPolicy, language: Language) -> str:
    return coverage_page(coverage(policy), policy, language)


def _clauses_json(policy: CompiledPolicy) -> dict[str, Any]:
    return coverage_json(coverage(policy))


def _clause_lines(policy: CompiledPolicy) -> list[str]:
    found = coverage(policy)
    lines = []
    for clause in found:
        counted = f"{clause.carried} of {len(clause.rules)} rules, {len(clause.duties)} duties"
        shown = f"{len(clause.cases)} cases, {len(clause.evidence)} tests"
        lacks = f"; lacking {', '.join(map(words_of, clause.lacks))}" if clause.lacks else ""
        lines.append(f"{clause.id}: {words_of(clause.state)} ({counted}, {shown}{lacks})")
    told = ", ".join(f"{count} {words_of(state)}" for state, count in totals(found).items())
    return [*lines, f"{len(found)} clauses: {told}"]


def generate(
    folder: Annotated[Path, typer.Argument(help="Where to write; files there are replaced.")],
    *, policy: PolicyPath = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write everything that is made from the policy into a folder."""
    made = artefacts(policy_or_exit(policy))
    for name, text in made.items():
        write_below(folder, name, text)
    if as_json:
        print_json({"written": sorted(made)})
    else:
        typer.echo(f"{len(made)} files in {folder}")
