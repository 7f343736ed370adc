"""Document to plan: default deny, forbid beats permit, and no plan if any cell has an error."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from policy.compiled import CompiledPolicy
from policy.compiler import permits, position_bound
from policy.compiler.cells import cells_of
from policy.compiler.checks import check_document, check_house, warn_redundant
from policy.compiler.citations import check_citations, check_clauses
from policy.compiler.context import CompileContext
from policy.compiler.forbids import bans, decided
from policy.compiler.items import signals_by_category
from policy.compiler.notices import check_notices
from policy.compiler.outputs import outputs_of
from policy.compiler.profiles import check_profiles
from policy.compiler.promises import is_kept, transport
from policy.compiler.time_rules import check_time_rules
from policy.language.document import Document
from policy.language.problems import Findings, Problem
from policy.plan.cells import PlanCell, PlanCombine, PlanForbid
from policy.plan.digest import digest
from policy.plan.limits import Limits
from policy.plan.plan import Output, Plan
from policy.vocabulary.words import format_duration, format_space
from telemetry.signals import Catalogue
from telemetry.wire.record import MESH


@dataclass(frozen=True, slots=True)
class Compiled:
    """The policy, or None if any problem is an error; warnings come with either."""

    policy: CompiledPolicy | None
    problems: tuple[Problem, ...]

    @property
    def plan(self) -> Plan | None:
        """The policy's plan."""
        return None if self.policy is None else self.policy.plan


def compile_plan(document: Document, catalogue: Catalogue, limits: Limits) -> Compiled:
    """Compile a parsed document. The same three arguments give the same digest."""
    findings = Findings()
    signals = signals_by_category(document.categories, catalogue, findings)
    context = CompileContext(document, catalogue, limits, signals, findings)
    position_bound.check_bound(context)
    check_document(context)
    check_house(context)
    check_citations(context)
    check_clauses(context)
    check_profiles(context)
    all_bans = bans(context)
    outputs: list[Output] = []
    cells: list[PlanCell] = []
    for page in document.purposes:
        found = tuple(decided(permit, all_bans) for permit in permits.permits(context, page))
        outputs += outputs_of(context, page, found)
        cells += cells_of(found)
    warn_redundant(context)
    plan = _plan(context, tuple(outputs))
    plan = _with_cells(plan, document, tuple(cells), all_bans)
    check_notices(document, plan, findings)
    if MESH not in catalogue:
        where = document.precisions.where("precisions")
        findings.error(where, "the catalogue lacks the mesh cell", MESH, "add it as derived")
    problems = findings.in_order()
    return Compiled(None if findings.refused else CompiledPolicy(document, plan), problems)


def _plan(context: CompileContext, outputs: tuple[Output, ...]) -> Plan:
    document, limits, findings = context.document, context.limits, context.findings
    policy = document.policy.content
    raw_at_most = limits.raw_retention_ms_at_most
    raw = transport(policy.raw, raw_at_most, limits, document.policy.where("raw"), findings)
    if is_kept(policy.raw, limits):
        check_time_rules(outputs, raw, limits, findings)
    where = document.policy.where("ledger")
    ledger = transport(policy.ledger, None, limits, where, findings)
    suspended = frozenset(name for name, page in document.pages.items() if page.suspended)
    taking = (output for output in outputs if output.purpose not in suspended)
    rules = chain.from_iterable(lane.rules for output in taking for lane in output.lanes)
    return Plan(
        policy=policy.policy,
        version=policy.version,
        effective_ms=policy.day_start_ms(policy.effective),
        digest="",
        catalogue=context.catalogue,
        outputs=tuple(output for output in outputs if output.lanes),
        collected=frozenset(rule.signal for rule in rules),
        precisions=_precisions(document),
        titles={name: page.title.en for name, page in document.pages.items()},
        raw=raw,
        ledger=ledger,
        late_ms=limits.late_ms,
        suspended=suspended,
        closed=tuple(output for output in outputs if not output.lanes),
    )


def _with_cells(
    plan: Plan, document: Document, cells: tuple[PlanCell, ...], all_bans: tuple[PlanForbid, ...]
) -> Plan:
    """The plan with its parts beside the outputs, and its digest."""
    sheet, scope = document.policy, document.policy.content.scope
    plan = replace(
        plan,
        cells=cells,
        facts={
            fact: name
            for name, category in document.categories.content.categories.items()
            for fact in category.facts
        },
        forbids=all_bans,
        combines=tuple(
            PlanCombine(frozenset(c.purposes), c.because, c.cites, sheet.where("combine", n))
            for n, c in enumerate(sheet.content.combine)
        ),
        sources=scope.sources,
        services=scope.services,
        unstated_source=None if scope.unstated is None else scope.unstated.source,
        unstated_service=None if scope.unstated is None else scope.unstated.service,
    )
    return replace(plan, digest=digest(plan))


def _precisions(document: Document) -> Mapping[str, str]:
    return {
        name: f"{format_space(precision.space)}, {format_duration(precision.time)}"
        for name, precision in document.precisions.content.precisions.items()
    }
