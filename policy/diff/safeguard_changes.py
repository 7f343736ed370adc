"""What holds for every cell at once: the company, its laws and bounds, topics, pseudonyms."""

from collections.abc import Iterator

from policy.compiled import CompiledPolicy
from policy.diff.change import Change, ChangeKind, safeguard
from policy.diff.coarseness import Than, compare_periods
from policy.diff.forbid_changes import forbid_changes
from policy.diff.policy_changes import house_changes
from policy.diff.purpose_changes import page_changes
from policy.language.category_files import Precision
from policy.language.document import Document
from policy.plan.plan import Output
from policy.vocabulary.position import as_coarse_as, mesh_of
from policy.vocabulary.terms import Period
from policy.vocabulary.words import format_duration, format_space


def safeguards(old: CompiledPolicy, new: CompiledPolicy) -> Iterator[Change]:
    """Changes of what protects all data of a purpose, or of the policy."""
    before, after = old.document, new.document
    forbids = before.policy.content.forbids, after.policy.content.forbids
    yield from forbid_changes(None, *forbids)
    yield from _profiles(before, after)
    yield from _outside(before, after)
    yield from house_changes(before, after)
    for name, was, now in (
        ("telemetry.raw", old.plan.raw, new.plan.raw),
        ("audit.flow", old.plan.ledger, new.plan.ledger),
    ):
        yield from _longer(None, f"{name} keeps data for", was.bound_ms, now.bound_ms)
    outputs = {output.id: output for output in old.plan.outputs}
    for output in new.plan.outputs:
        if output.id in outputs:
            yield from _output(outputs[output.id], output)
    pages = before.pages
    for purpose, page in after.pages.items():
        if purpose in pages:
            yield from page_changes(pages[purpose], page)


def _longer(purpose: str | None, what: str, old_ms: int, new_ms: int) -> Iterator[Change]:
    if old_ms != new_ms:
        kind = ChangeKind.LENGTHENS if new_ms > old_ms else ChangeKind.SHORTENS
        key = f"{what} {format_duration(new_ms)} (was {format_duration(old_ms)})"
        yield safeguard(kind, purpose, key)


def _profiles(old: Document, new: Document) -> Iterator[Change]:
    before, after = old.policy.content.profiles, new.policy.content.profiles
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name, False), after.get(name, False)
        if was != now:
            kind = ChangeKind.TIGHTENS if now else ChangeKind.LOOSENS
            yield safeguard(
                kind, None, f"profile {name} is {'on' if now else 'off'}", at=("profiles", name)
            )


def _outside(old: Document, new: Document) -> Iterator[Change]:
    before, after = old.policy.content.outside, new.policy.content.outside
    for gone in sorted(set(before.to) - set(after.to)):
        yield safeguard(
            ChangeKind.LOOSENS,
            None,
            f"positions to {gone} have no bound any more",
            at=("outside", "to"),
        )
    for added in sorted(set(after.to) - set(before.to)):
        yield safeguard(
            ChangeKind.TIGHTENS, None, f"positions to {added} have a bound", at=("outside", "to")
        )
    yield from _bound(old, new)


def _bound(old: Document, new: Document) -> Iterator[Change]:
    """The finest position for outsiders: another precision, or another meaning of the same."""
    (was, before), (now, after) = (
        (name, document.precisions.content.precisions[name])
        for document in (old, new)
        for name in (document.policy.content.outside.location_at_least,)
    )
    if was == now and before == after:
        return
    coarser = after.time >= before.time and as_coarse_as(mesh_of(after.space), before.space)
    kind = ChangeKind.TIGHTENS if coarser else ChangeKind.LOOSENS
    bounds = [now, was] if was != now else [_in_words(now, after), _in_words(was, before)]
    key = f"positions leave the company at {bounds[0]} or coarser (was {bounds[1]})"
    changed = (
        ("outside", "location_at_least") if was != now else ("precision.yaml", "precisions", now)
    )
    yield safeguard(kind, None, key, at=changed)


def _in_words(name: str, precision: Precision) -> str:
    return f"{name}, {format_space(precision.space)} and {format_duration(precision.time)},"


def _output(old: Output, new: Output) -> Iterator[Change]:
    bounds = old.transport.bound_ms, new.transport.bound_ms
    yield from _longer(new.purpose, f"{new.topic} keeps data for", *bounds)
    if old.epoch != new.epoch:
        yield from _epoch(old, new)


def _epoch(old: Output, new: Output) -> Iterator[Change]:
    """A pseudonym that stays longer links more."""
    was, now = (
        Period(epoch.months or epoch.days, "months" if epoch.months else "days")
        for epoch in (old.epoch, new.epoch)
    )
    longer = compare_periods(was, now) is Than.MORE
    kind = ChangeKind.LENGTHENS if longer else ChangeKind.SHORTENS
    key = f"{new.recipient} sees one pseudonym for {now} (was {was})"
    yield safeguard(kind, new.purpose, key, new.recipient, at=("identity", "epoch"))
