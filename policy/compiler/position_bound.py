"""Position leaves the company no finer than the policy's own bound for outsiders allows."""

from collections.abc import Mapping

from policy.compiler.context import CompileContext, PlacedCell
from policy.language.category_files import Precision
from policy.language.purpose_file import Recipient
from policy.vocabulary.operations import Operation
from policy.vocabulary.position import as_coarse_as, mesh_in, withholds
from policy.vocabulary.words import format_duration, format_space
from telemetry.signals import Kind, Signal


def check_bound(context: CompileContext) -> None:
    """The bound names a precision that exists."""
    document = context.document
    bound = document.policy.content.outside.location_at_least
    known = document.precisions.content.precisions
    if bound not in known:
        where = document.policy.where("outside", "location_at_least")
        context.findings.error(
            where, "unknown precision", bound, f"write one of: {', '.join(known)}"
        )


def check_positions(
    context: CompileContext,
    placed: PlacedCell,
    recipient: Recipient,
    precision: Precision,
    signals: tuple[Signal, ...],
    treated: Mapping[str, tuple[Operation, ...]],
) -> None:
    """Refuse a cell that gives this recipient a position finer than the bound."""
    outside = context.document.policy.content.outside
    needed = context.document.precisions.content.precisions.get(outside.location_at_least)
    if needed is None or recipient.recipient_class not in outside.to:
        return
    for signal in signals:
        operations = treated[signal.path]
        if signal.kind is not Kind.POSITION or withholds(operations):
            continue
        if as_coarse_as(mesh_in(operations), needed.space) and precision.time >= needed.time:
            continue
        least = f"{format_space(needed.space)} and {format_duration(needed.time)}"
        message = f"{signal.path} would reach `{recipient.id}` ({recipient.recipient_class})"
        message += f" finer than {outside.location_at_least}: {least}"
        remedy = f"write a precision at least as coarse as {outside.location_at_least}, or drop it"
        context.findings.error(placed.where("precision"), message, "", remedy)
