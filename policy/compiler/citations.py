"""Every citation resolves to an authority of the document; every clause is carried out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from policy.compiler.context import CompileContext
from policy.language.document import Document, Sheet
from policy.language.fields import Strict
from policy.language.problems import Findings
from policy.vocabulary.capabilities import Capability
from policy.vocabulary.nearest import write_nearest
from policy.vocabulary.terms import DocumentPart, Where


def check_citations(context: CompileContext) -> None:
    """An unknown citation is an error, with the nearest known one."""
    document, findings = context.document, context.findings
    known = document.authorities.content.authorities
    for cited, where in citations(document):
        if cited not in known:
            otherwise = "a key of authorities.yaml: add the authority there"
            remedy = write_nearest(cited, known, otherwise, alike=0.5)
            findings.error(where, "nothing is known under this citation", cited, remedy)


def citations(document: Document) -> Iterator[tuple[str, Where]]:
    """Every citation of the document with its place, as often as it is cited."""
    shared = (document.policy, document.profiles, document.clauses)
    sheets: tuple[Sheet[Any], ...] = (*shared, *document.purposes)
    for sheet in sheets:
        for path, cited in _cited(sheet.content, ()):
            yield cited, sheet.where(*path)
    for cases in document.cases.values():
        for n, case in enumerate(cases.content.cases):
            if case.about is not None:
                yield case.about, cases.where("cases", n, "about")


def _cited(
    value: object, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every ``cites`` within a model, with its path as written."""
    if isinstance(value, Strict):
        fields = type(value).model_fields
        inner = {fields[name].alias or name: getattr(value, name) for name in fields}
        for index, cited in enumerate(inner.get("cites", ())):
            yield (*path, "cites", index), cited
        steps: Iterable[tuple[str | int, object]] = inner.items()
    elif isinstance(value, Mapping):
        steps = value.items()
    elif isinstance(value, tuple):
        steps = enumerate(value)
    else:
        return
    for step, one in steps:
        yield from _cited(one, (*path, step))


def check_clauses(context: CompileContext) -> None:
    """Each clause has a row; each row names what exists, and a rule or a duty at least."""
    document, findings = context.document, context.findings
    sheet, authorities = document.clauses, document.authorities
    for name, authority in authorities.content.authorities.items():
        if authority.kind == "clause" and name not in sheet.content.clauses:
            where = authorities.where("authorities", name)
            remedy = f"add `{name}: {{rules: [purpose]}}` or a duty to clauses.yaml"
            findings.error(where, "no row of clauses.yaml carries out this clause", name, remedy)
    known = {
        "rules": sorted({*document.pages, *DocumentPart}),
        "needs": [str(one) for one in Capability],
    }
    cited = {cited for cited, _ in citations(document)}
    for name, clause in sheet.content.clauses.items():
        of = authorities.content.authorities.get(name)
        if of is None or of.kind != "clause":
            remedy = "add it to authorities.yaml with `kind: clause`, or remove the row"
            findings.error(sheet.where("clauses", name), "no clause has this id", name, remedy)
        for n, source in enumerate(clause.cites):
            behind = authorities.content.authorities.get(source)
            if behind is not None and behind.kind == "clause":
                where = sheet.where("clauses", name, "cites", n)
                remedy = "cite the law, guideline or order that it follows"
                findings.error(where, "a clause cites a clause", source, remedy)
        for key, written in (("rules", clause.rules), ("needs", clause.needs)):
            places = (sheet.where("clauses", name, key, n) for n in range(len(written)))
            _check_named(zip(written, places, strict=True), key, known[key], findings)
        if not (clause.rules or clause.duties or name in cited):
            remedy = "name a rule or a duty, or let a rule cite it"
            where = sheet.where("clauses", name)
            findings.error(where, "nothing carries out this clause", name, remedy)
        elif not (clause.evidence or clause.duties):
            remedy = "add `evidence: [tests/…::test_…]`, or a duty with its evidence"
            where = sheet.where("clauses", name)
            findings.error(where, "no evidence shows that this clause is kept", name, remedy)


def _check_named(
    written: Iterable[tuple[str, Where]], key: str, known: Sequence[str], findings: Findings
) -> None:
    """Each rule or need of a clause is one that there is."""
    for name, where in written:
        if name not in known:
            remedy = write_nearest(name, known, f"another of its {key}")
            findings.error(where, f"the clause names unknown {key}", name, remedy)
