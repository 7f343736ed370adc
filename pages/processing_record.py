"""The record of processing activities (GDPR Art. 30; what APPI Art. 32 has made known).

Every purpose with its data, recipients, countries, periods and safeguards, as the plan has them.
"""

from typing import Any

from pages.markup import page
from pages.processing_record_measures import measures
from pages.purpose_order import in_clause_order
from pages.words.phrases import GROUNDS, STATES, keep_words
from pages.words.recipients import country_words, recipient_words
from pages.words.titles import Titles
from policy.compiled import CompiledPolicy
from policy.language.document import Document
from policy.language.purpose_file import Purpose, Recipient
from policy.plan.carried_out import lacking, state
from policy.plan.cells import PlanCell
from policy.plan.plan import Plan
from policy.vocabulary.bilingual import Language
from telemetry.instants import format_instant


def processing_record(compiled: CompiledPolicy) -> dict[str, Any]:
    """The record as JSON values: who is responsible, every activity, and the measures."""
    plan, document = compiled.plan, compiled.document
    policy = document.policy.content
    return {
        "controller": policy.controller.model_dump(),
        "policy": plan.policy,
        "policy_version": plan.policy_version,
        "effective": format_instant(plan.effective_ms),
        "laws": [name for name, on in policy.profiles.items() if on],
        "subjects": list(policy.scope.subjects),
        "activities": [activity(compiled, page) for page in document.pages.values()],
        "measures": [
            {"ja": ja, "en": en}
            for ja, en in zip(
                measures(plan, Titles(document, "ja")),
                measures(plan, Titles(document, "en")),
                strict=True,
            )
        ],
    }


def activity(compiled: CompiledPolicy, page: Purpose) -> dict[str, Any]:
    """One purpose of the record as JSON values."""
    cells = [cell for cell in compiled.plan.cells if cell.purpose == page.purpose]
    return {
        "purpose": page.purpose,
        "title": page.title.model_dump(),
        "clause": page.seed,
        "dpv": page.dpv,
        "gdpr": page.gdpr,
        "suspended": page.suspended,
        "recipients": [
            {
                "id": one.id,
                "class": one.recipient_class,
                "who": one.who.model_dump(),
                "countries": list(one.countries),
                "transfer": _transfer(one),
            }
            for one in page.recipients
        ],
        "data": [_data(compiled.document, cell) for cell in cells if cell.signals or cell.facts],
        "forbidden": [forbid.because for forbid in page.forbids],
        "decisions": [
            {"change": a.change, "decision": a.decision, "by": a.by, "on": a.on.isoformat()}
            for a in page.approvals
        ],
    }


def _transfer(recipient: Recipient) -> dict[str, str] | None:
    transfer = recipient.transfer
    return None if transfer is None else {"route": transfer.route, "because": transfer.because}


def _data(document: Document, cell: PlanCell) -> dict[str, Any]:
    category, keep = document.categories.content.categories[cell.category], cell.retention
    return {
        "category": cell.category,
        "title": category.title.model_dump(),
        "items": [*cell.signals, *cell.facts],
        "recipient": cell.recipient,
        "delivery": cell.delivery.mode,
        "precision": cell.precision,
        "ground": str(cell.basis.kind),
        "notice": cell.basis.notice,
        "at_most": str(keep.at_most),
        "at_least": None if keep.at_least is None else str(keep.at_least),
        "from": keep.trigger,
        "cap": None if keep.cap is None else str(keep.cap),
        "review_on": keep.review_on,
        "until": cell.until,
        "on_withdrawal": cell.on_withdrawal,
        "because": keep.because.model_dump(),
        "authorities": list(cell.cites),
        "state": str(state(lacking(cell))),
        "lacks": [str(one) for one in lacking(cell)],
    }


def record_page(compiled: CompiledPolicy, language: Language) -> str:
    """The record as a page."""
    plan, document = compiled.plan, compiled.document
    policy, titles = document.policy.content, Titles(document, language)
    version = f"{plan.policy} {plan.policy_version}"
    return page(
        "record.html.j2",
        language,
        controller=titles.told_of(policy.controller),
        contact=policy.controller.contact,
        version=titles.words.listed([version, titles.words.date(policy.effective)]),
        activities=[_section(plan, one.content, titles) for one in in_clause_order(document)],
        measures=measures(plan, titles),
    )


def _section(plan: Plan, content: Purpose, titles: Titles) -> dict[str, object]:
    cells = [cell for cell in plan.cells if cell.purpose == content.purpose]
    words = titles.words
    return {
        "id": content.purpose,
        "title": f"{titles.purpose(content.purpose)} ({content.seed})",
        "suspended": content.suspended,
        "recipients": [
            recipient_words(one, words, country_words(one.countries, words))
            for one in content.recipients
        ],
        "rows": [_row(cell, titles) for cell in cells if cell.signals or cell.facts],
    }


def _row(cell: PlanCell, titles: Titles) -> list[str]:
    return [
        titles.item(cell.category),
        str(len(cell.signals) + len(cell.facts)),
        titles.who(cell.purpose, cell.recipient),
        titles.words.gettext(GROUNDS[cell.basis.kind]),
        keep_words(
            cell.retention,
            titles.words,
            titles.until(cell),
            erased=cell.on_withdrawal == "erase",
        ),
        titles.told(cell.retention.because),
        ", ".join(cell.cites),
        titles.words.gettext(STATES[state(lacking(cell))]),
    ]
