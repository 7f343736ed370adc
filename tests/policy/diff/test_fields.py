"""Every field of the document is seen by ``diff``, or is on a list of prose with a reason."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, get_origin

import pytest
from pydantic import BaseModel

from policy.compiled import CompiledPolicy
from policy.compiler.compile import compile_plan
from policy.diff.diff import diff
from policy.language.case_file import Cases
from policy.language.document import Document
from policy.language.parse import parse
from policy.language.problems import Findings
from policy.language.validation import _model_in
from policy.language.yaml_text import read_yaml
from policy.plan.limits import Limits
from policy.vocabulary.bilingual import Bilingual
from tests.policy.diff.rich import CATALOGUE, RICH
from tests.support.mutants import MODELS, TOPS, Mutant, Path, document_with, mutants
from tests.support.widening import wider

PROSE: Final[Mapping[str, str]] = {
    "cites": "who says so; citations are checked by the compiler and shown by coverage",
    "because": "why, for people; no rule reads it",
    "title": "what people read in place of an id",
    "Policy.policy": "the document's own name",
    "Policy.version": "versions are numbered by whoever publishes them, who checks the number",
    "Policy.supersedes": "the same",
    "Policy.approvals": "decisions about changes, which are matched to them and not compared",
    "Purpose.approvals": "the same",
    "Approval.change": "the same",
    "Approval.decision": "the same; old data goes by it, and the approval is in the sentence",
    "Approval.by": "the same",
    "Approval.on": "the same",
    "Controller.contact": "where people write; who answers is seen",
    "Purpose.seed": "the passage of the seed policy that the page carries out",
    "Purpose.part_of": "which purpose it is shown under; every page's rules are its own",
    "Unlinkable.how": "how it was measured; the figure and the day are seen",
    "Authorities.authorities": "what may be cited, and how surely it is known",
    "Authority.kind": "the same",
    "Authority.read": "the same",
    "Clauses.clauses": "how clauses are carried out: shown by coverage, allows nothing",
    "Clause.rules": "the same",
    "Clause.needs": "the same",
    "Clause.duties": "the same",
    "Clause.evidence": "the same",
    "Duty.duty": "the same",
    "Duty.evidence": "the same",
    "Duty.who": "the same",
    "Duty.review_on": "the same; it warns once it has come",
    "Identity.of": "one value alone compiles: a pseudonym is of a link",
    "Notice.notice": "the file's own name, by which bases name it",
    "Purpose.purpose": "the page's own name, by which all else names it",
    "Cases": "questions to the policy: they test it and allow nothing",
    "Case": "the same",
}
"""Model and field, a field's name in every model, or a whole model; and why it is not compared."""

BOTH = {"ja": "丙", "en": "another"}
OTHER: Final[Mapping[str, Any]] = {
    "Analytics.dpv": ("dpv:CommercialResearch", "dpv:Marketing"),
    "Analytics.never": ("C06", "C10"),
    "Category.facts": {"tread": BOTH},
    "Cell.precision": "P2",
    "Cell.delivery": {"mode": "on_request", "needs": "audit"},
    "Combine.purposes": ("study", "lab"),
    "Controller.address": BOTH,
    "Controller.name": BOTH,
    "Complaints.desk": BOTH,
    "Complaints.organisation": BOTH,
    "Controller.representative": BOTH,
    "Forbid.join": ("C11",),
    "LegalBasis.notice": "desk@1",
    "Identity.form": "none",
    "JointUse.items": ("vehicle_class", "tyre"),
    "JointUse.notice": "study@1",
    "JointUse.purposes": ("desk", "study"),
    "JointUser.address": BOTH,
    "JointUser.recipient": "lab",
    "JointUser.representative": BOTH,
    "JointUser.since": date(2026, 9, 1),
    "Manager.address": BOTH,
    "Manager.name": BOTH,
    "Manager.representative": BOTH,
    "Notice.effective": date(2026, 8, 1),
    "Notice.text": BOTH,
    "Outside.location_at_least": "P2",
    "Policy.effective": date(2026, 10, 2),
    "Policy.zone": "Pacific/Honolulu",
    "Profile.home": ("JP", "KR"),
    "Purpose.dpv": "dpv:AcademicResearch",
    "Recipient.countries": ("JP", "US", "CA"),
    "Recipient.id": "crew",
    "Recipient.recipient_class": "processor",
    "Recipient.who": BOTH,
    "Requests.agent": BOTH,
    "Requests.answer": BOTH,
    "Requests.fee": BOTH,
    "Requests.form": BOTH,
    "Requests.identity": BOTH,
    "Requests.where": BOTH,
    "Scope.services": ("car", "van", "fleet"),
    "Scope.sources": ("obd", "can", "gnss"),
    "Scope.subjects": ("customer", "driver"),
    "Security.abroad": BOTH,
    "Security.organisation": BOTH,
    "Security.people": BOTH,
    "Security.premises": BOTH,
    "Security.rules": BOTH,
    "Unstated.service": "van",
    "Unstated.source": "can",
    "Transfer.route": "consent",
    "Unlinkable.linked_percent": 0.7,
}
"""A value that compiles and no mutant thinks of, by model and field."""
WITH = {"Delivery.mode": "Cell.delivery"}
"""Fields that only change together with their neighbours, and where ``OTHER`` does so."""


def fields(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Every field of a model and of all models within it."""
    for name, field in model.model_fields.items():
        yield model.__name__, name
        inner = _model_in(field.annotation)
        if inner is not None and inner is not Bilingual:
            yield from fields(inner)


def is_prose(owner: tuple[str, str]) -> bool:
    model, field = owner
    return bool({model, field, f"{model}.{field}"} & set(PROSE))


MODEL_OF: Final[Mapping[str, type[BaseModel]]] = {
    **{name: model for name, (_, model) in TOPS.items()},
    **{file: MODELS[file.split("/")[0]] for file in RICH if "/" in file},
}
DOCUMENT: Final[tuple[type[BaseModel], ...]] = (
    *(model for _, model in TOPS.values()),
    *MODELS.values(),
    Cases,
)
FIELDS: Final = {owner for model in DOCUMENT for owner in fields(model)}


def owners_of(file: str, path: Path) -> list[tuple[str, str]]:
    """The models and fields on the path to a value, the innermost last."""
    model: type[BaseModel] | None = MODEL_OF[file]
    owners, keyed = [], False
    for step in path:
        if isinstance(step, int) or model is None or model is Bilingual:
            continue
        if keyed:
            keyed = False
            continue
        names = {field.alias or name: name for name, field in model.model_fields.items()}
        owners.append((model.__name__, names[step]))
        annotation = model.model_fields[names[step]].annotation
        keyed, model = get_origin(annotation) is dict, _model_in(annotation)
    return owners


def rich_mutants() -> Iterator[Mutant]:
    for file, text in RICH.items():
        read = read_yaml(file, text, Findings())
        assert read is not None

        def others(path: Path, _: Any, file: str = file) -> Iterable[Any]:
            owner = ".".join(owners_of(file, path)[-1])
            return (OTHER[owner],) if owner in OTHER else ()

        yield from mutants(file, read[0], (), others)


@pytest.fixture(scope="module")
def rich() -> CompiledPolicy:
    document = parse(RICH)
    assert isinstance(document, Document), [str(problem) for problem in document]
    policy = compile_plan(document, CATALOGUE, Limits()).policy
    assert policy is not None
    return policy


@pytest.fixture(scope="module")
def altered(rich: CompiledPolicy) -> list[tuple[Mutant, CompiledPolicy]]:
    """Every mutant that compiles and is another document than the one it was made of."""
    made = []
    for mutant in rich_mutants():
        document = document_with(rich.document, mutant)
        policy = None if document is None else compile_plan(document, CATALOGUE, Limits()).policy
        if policy is not None and document != rich.document:
            made.append((mutant, policy))
    return made


def test_altering_any_field_but_prose_changes_the_difference(
    rich: CompiledPolicy, altered: list[tuple[Mutant, CompiledPolicy]]
) -> None:
    nothing = diff(rich, rich)
    silent = {
        f"{mutant.file}: {mutant.said}"
        for mutant, version in altered
        if not any(map(is_prose, owners_of(mutant.file, mutant.path)))
        and diff(rich, version) == nothing
    }
    assert silent == set()


def test_every_field_but_prose_is_altered_at_least_once(
    altered: list[tuple[Mutant, CompiledPolicy]],
) -> None:
    reached = {
        ".".join(owner) for mutant, _ in altered for owner in owners_of(mutant.file, mutant.path)
    }
    reached |= {field for field, at in WITH.items() if at in reached}
    assert {".".join(one) for one in FIELDS if not is_prose(one)} - reached == set()


def test_the_list_of_prose_names_what_exists() -> None:
    known = {name for model, field in FIELDS for name in (model, field, f"{model}.{field}")}
    assert set(PROSE) <= known
    assert set(OTHER) | set(WITH) <= known


def test_no_mutant_that_allows_more_is_silent(
    rich: CompiledPolicy, altered: list[tuple[Mutant, CompiledPolicy]]
) -> None:
    """Both ways: undoing what narrows widens."""
    pairs = [(mutant, rich, version) for mutant, version in altered]
    pairs += [(mutant, version, rich) for mutant, version in altered]
    widening = [
        (mutant, old, new, more)
        for mutant, old, new in pairs
        if (more := wider(old.plan, new.plan))
    ]
    silent = [
        f"{mutant.file}: {mutant.said}: {more}"
        for mutant, old, new, more in widening
        if not any(change.widens for change in diff(old, new).changes)
    ]
    assert silent == []
    assert len(widening) >= 90
