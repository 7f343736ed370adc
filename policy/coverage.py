"""Which rules, duties, cases and tests carry out each clause of the published privacy policy.

A rule carries out a clause by citing it; people's duties and further evidence stand in
clauses.yaml. A clause that nothing carries out fails.
"""

from dataclasses import dataclass
from typing import Any, Final

from policy.document import Document
from policy.markup import Html, Language, join, page, table, tag
from policy.plan import Plan


@dataclass(frozen=True, slots=True)
class Covered:
    """One clause with all that carries it out."""

    id: str
    title_ja: str
    title_en: str
    rules: tuple[str, ...]
    duties: tuple[str, ...]
    cases: tuple[str, ...]
    """``cases/<file>:line`` of cases about purposes whose cells carry the clause."""
    evidence: tuple[str, ...]

    @property
    def missing(self) -> bool:
        """Whether neither a rule nor a duty carries it out, or nothing shows that it is."""
        carried = self.rules or self.duties
        shown = self.cases or self.evidence
        return not (carried and shown)


def coverage(document: Document, plan: Plan) -> tuple[Covered, ...]:
    """Every clause in the order of authorities.yaml."""
    authorities = document.authorities.content.authorities
    return tuple(
        _covered(document, plan, name, authority.title.ja, authority.title.en)
        for name, authority in authorities.items()
        if authority.kind == "clause"
    )


def _covered(document: Document, plan: Plan, name: str, ja: str, en: str) -> Covered:
    row = document.clauses.content.clauses.get(name)
    cells = [cell for cell in plan.cells if name in cell.cites]
    rules = [cell.id for cell in cells]
    rules += [forbid.id for forbid in plan.forbids if name in forbid.cites]
    rules += [f"combine/{n}" for n, one in enumerate(plan.combines, 1) if name in one.cites]
    pages = {sheet.content.purpose for sheet in document.purposes}
    named = () if row is None else row.rules
    purposes = {cell.purpose for cell in cells} | (pages & set(named))
    cases = [
        str(sheet.where("cases", number)).rsplit(":", 1)[0]
        for purpose, sheet in document.cases.items()
        if purpose in purposes
        for number in range(len(sheet.content.cases))
    ]
    duties = () if row is None else tuple(duty.duty for duty in row.duties)
    traces = () if row is None else tuple(duty.evidence for duty in row.duties)
    shown = () if row is None else row.evidence
    return Covered(
        name, ja, en, tuple(dict.fromkeys((*named, *rules))), duties, tuple(cases),
        (*shown, *traces),
    )  # fmt: skip


def coverage_json(found: tuple[Covered, ...]) -> dict[str, Any]:
    """``{"clauses": [{"id", "rules", "duties", "cases", "evidence"}]}``."""
    return {
        "holds": not any(clause.missing for clause in found),
        "clauses": [
            {
                "id": clause.id,
                "rules": list(clause.rules),
                "duties": list(clause.duties),
                "cases": list(clause.cases),
                "evidence": list(clause.evidence),
            }
            for clause in found
        ],
    }


SHOWN_MAX: Final = 4
_WORDS: Final = {
    "en": (
        "Clause by clause", "Clause", "Rules", "Duties of people", "Cases", "Evidence",
        "{} of {} clauses are carried out", "not carried out",
    ),
    "ja": (
        "条項ごとの対応", "条項", "規則", "人が行うこと", "事例", "証拠",
        "{1}条項のうち{0}条項に対応", "対応なし",
    ),
}  # fmt: skip


def coverage_page(found: tuple[Covered, ...], plan: Plan, language: Language) -> str:
    """The same as a page."""
    title, *head, share, nothing = _WORDS[language]
    rows = [
        [
            join(tag("strong", clause.id), " ",
                 clause.title_ja if language == "ja" else clause.title_en),
            _some(clause.rules) if not clause.missing else tag("span", nothing, class_="bad"),
            _lines(clause.duties),
            str(len(clause.cases)),
            _lines(clause.evidence),
        ]
        for clause in found
    ]  # fmt: skip
    carried = sum(not clause.missing for clause in found)
    return page(
        language,
        title,
        tag("h1", title),
        tag("p", f"{plan.policy} {plan.policy_version}", class_="dim"),
        tag("p", share.format(carried, len(found)), class_="note"),
        table(title, head, rows),
    )


def _some(rules: tuple[str, ...]) -> Html:
    shown = _lines(rules[:SHOWN_MAX])
    more = len(rules) - SHOWN_MAX
    return join(shown, tag("span", f"+ {more}", class_="dim")) if more > 0 else shown


def _lines(items: tuple[str, ...]) -> Html:
    return join(*(tag("div", item) for item in items))
