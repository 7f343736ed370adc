"""Permits minus forbids, grouped by recipient: the outputs of one purpose."""

from collections.abc import Iterable
from typing import Final, assert_never

from policy.compiler.checks import check_beside
from policy.compiler.context import CompileContext
from policy.compiler.delivery import check_release
from policy.compiler.permits import Permit
from policy.compiler.promises import transport
from policy.language.document import Sheet
from policy.language.problems import Findings
from policy.language.purpose_file import Purpose, Recipient
from policy.plan.limits import Limits
from policy.plan.plan import Lane, Output, Rule
from policy.vocabulary.operations import Drop, Unsupported, Withholding, parts_of
from policy.vocabulary.periods import coarsest_grain, shortest_ms
from policy.vocabulary.terms import Denial, Epoch
from policy.vocabulary.words import format_duration
from telemetry.outcome import Withheld
from telemetry.topics import purpose_topic


def lanes(context: CompileContext, permits: Iterable[Permit]) -> tuple[Lane, ...]:
    """The lanes of one output, in the order in which the document opens them."""
    grouped: dict[str, list[Permit]] = {}
    for permit in permits:
        same = grouped.setdefault(lane_name(permit), [])
        if any(other.signal == permit.signal for other in same):
            remedy = "give the two lines different periods or precisions, or remove one"
            context.findings.error(
                permit.where, "the same signal is kept twice in the same way", permit.signal, remedy
            )
        same.append(permit)
        _check_withdrawal(context, same)
    return tuple(_lane(name, members, context.limits) for name, members in grouped.items())


def _check_withdrawal(context: CompileContext, lane: list[Permit]) -> None:
    """Rows say their lane and consent and no cell: of one of each, a withdrawal does one thing."""
    last = lane[-1]
    if any(one.cell_id == last.cell_id for one in lane[:-1]):
        return  # said once for a cell
    beside = (one for one in lane if one.basis == last.basis and one.cell_id != last.cell_id)
    if any(one.on_withdrawal != last.on_withdrawal for one in beside):
        message = (
            f"{last.placed.category} shares its consent and its period with a cell that a "
            "withdrawal treats otherwise, and leaves in one record with it"
        )
        remedy = "write the same `on_withdrawal` in both, or give them different periods"
        written = last.on_withdrawal or ""
        context.findings.error(last.where, message, written, remedy)


EVER: Final = Epoch(1)
"""Placeholder for a page without an epoch, which is refused already."""


def outputs_of(
    context: CompileContext, page: Sheet[Purpose], permits: tuple[Permit, ...]
) -> tuple[Output, ...]:
    """One output per recipient that a streaming cell names; one whose lanes are empty is closed."""
    permits = tuple(permit for permit in permits if permit.mode == "stream")
    named = {permit.recipient.id for permit in permits}
    recipients = [r for r in page.content.recipients if r.id in named]
    made = []
    for recipient in recipients:
        own = tuple(permit for permit in permits if permit.recipient.id == recipient.id)
        suffix = f".{recipient.id}" if len(recipients) > 1 else ""
        output_id = page.content.purpose + suffix
        made.append(_output(context, output_id, page, recipient, own))
    return tuple(made)


def _output(
    context: CompileContext,
    output_id: str,
    page: Sheet[Purpose],
    recipient: Recipient,
    permits: tuple[Permit, ...],
) -> Output:
    document, limits, findings = context.document, context.limits, context.findings
    allowed = tuple(permit for permit in permits if permit.denial is None)
    denials = [permit.denial for permit in permits if permit.denial is not None]
    check_beside(context, allowed)
    found = lanes(context, allowed)
    _warn(page, output_id, found, denials, findings)
    promise, where = page.content.transport, page.where("transport")
    if promise is None:
        promise, where = document.policy.content.transport, document.policy.where("transport")
    settings = transport(promise, limits.topic_retention_ms_at_most, limits, where, findings)
    for lane in found:
        if shortest_ms(lane.period) - lane.grain.length_ms_min <= settings.bound_ms:
            message = f"{output_id} keeps {lane.name} no longer than its topic may keep data"
            remedy = "every record would be too late: shorten `topic_at_most` for this purpose"
            findings.error(where, message, format_duration(settings.bound_ms), remedy)
    return Output(
        id=output_id,
        purpose=page.content.purpose,
        recipient=recipient.id,
        recipient_class=recipient.recipient_class,
        topic=purpose_topic(output_id),
        transport=settings,
        epoch=page.content.identity.epoch or EVER,
        lanes=found,
        denials=_first_by_signal(denials, {rule.signal for lane in found for rule in lane.rules}),
    )


def _first_by_signal(denials: Iterable[Denial], kept: set[str]) -> tuple[Denial, ...]:
    """The denial that decides per signal no lane keeps: the first in the order of reasons."""
    order = list(Withheld)
    first: dict[str, Denial] = {}
    for denied in denials:
        known = first.get(denied.signal)
        if known is None or order.index(denied.reason) < order.index(known.reason):
            first[denied.signal] = denied
    return tuple(denied for signal, denied in first.items() if signal not in kept)


def _warn(
    page: Sheet[Purpose],
    output_id: str,
    found: tuple[Lane, ...],
    denials: list[Denial],
    findings: Findings,
) -> None:
    for denied in denials:
        if denied.reason is Withheld.UNSUPPORTED:
            message = f"{output_id} asks for an operation that is not carried out yet"
            remedy = "what it treats is withheld as unsupported"
            findings.warn(denied.where, message, denied.signal, remedy)
    if not found:
        message = f"{output_id} receives nothing: every signal is denied"
        findings.warn(page.where("recipients"), message, "", "remove the recipient or a forbid")
    check_release(page, output_id, found, findings)


def withheld(permit: Permit) -> Denial | None:
    """The denial a permit's own operations amount to: ``drop``, or one not carried out yet."""
    reasons = {_reason(operation) for operation in parts_of(permit.operations).withholding}
    if not reasons:
        return None
    first = min(reasons, key=tuple(Withheld).index)
    return Denial(permit.signal, first, permit.rule, permit.cites, permit.where)


def _reason(operation: Withholding) -> Withheld:
    match operation:
        case Drop():
            return Withheld.DROPPED
        case Unsupported():
            return Withheld.UNSUPPORTED
        case _:
            assert_never(operation)


def lane_name(permit: Permit) -> str:
    """``30-days.1s``: period and floor; trigger and grain if they are not the usual ones."""
    parts = [str(permit.period).replace(" ", "-")]
    parts.append(format_duration(permit.time_floor_ms).replace(" ", ""))
    if permit.trigger != "reading":
        parts.append(permit.trigger)
    if permit.grain is not coarsest_grain(permit.period):
        parts.append(permit.grain)
    if permit.at_least is not None:
        parts.append(f"at-least-{permit.at_least}".replace(" ", "-"))
    return ".".join(parts)


def _lane(name: str, permits: list[Permit], limits: Limits) -> Lane:
    first = permits[0]
    rules = tuple(
        Rule(
            p.rule,
            p.signal,
            p.placed.category,
            p.operations,
            p.basis,
            p.cites,
            p.where,
            p.not_for,
            p.cell_id,
            p.until_ms,
        )
        for p in permits
    )
    grain = limits.finer(first.grain)
    return Lane(
        name, first.period, first.trigger, grain, first.time_floor_ms, rules, first.at_least
    )
