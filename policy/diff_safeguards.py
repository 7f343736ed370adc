"""What holds for every cell at once: forbids, topics, pseudonyms, recipients, delivery."""

from collections.abc import Iterator
from typing import Any, Final

from policy.bilingual import Bilingual
from policy.changes import WIDENING, Change, ChangeKind
from policy.coarseness import Than, compare_periods
from policy.diff_house import house_changes
from policy.document import Document
from policy.fields import Forbid
from policy.operations import MeshH3, MeshJis
from policy.page import Purpose, Recipient
from policy.plan import Output, Period, Plan
from policy.position import as_coarse_as
from policy.words import Exact, Space, duration_ms, say_duration

Version = tuple[Plan, Document]
REASONS: Final = frozenset({"because", "cites"})
LIVE: Final = "live"
FORMS: Final = ("none", "pseudonym", "named")
"""Forms of identity, the one that tells least first."""


def safeguards(old: Version, new: Version) -> Iterator[Change]:
    """Changes of what protects all data of a purpose, or of the policy."""
    yield from _forbids(None, old[1].policy.content.forbids, new[1].policy.content.forbids)
    yield from _profiles(old[1], new[1])
    yield from _outside(old[1], new[1])
    yield from house_changes(old[1], new[1])
    for name, before, after in (
        ("telemetry.raw", old[0].raw.bound_ms, new[0].raw.bound_ms),
        ("audit.flow", old[0].ledger.bound_ms, new[0].ledger.bound_ms),
    ):
        yield from _longer(None, f"{name} holds a byte", before, after)
    outputs = {output.id: output for output in old[0].outputs}
    for output in new[0].outputs:
        if output.id in outputs:
            yield from _output(outputs[output.id], output)
    pages = {page.content.purpose: page.content for page in old[1].purposes}
    for page in new[1].purposes:
        if page.content.purpose in pages:
            yield from _page(pages[page.content.purpose], page.content)


def _change(
    kind: ChangeKind, purpose: str | None, key: str, recipient: str | None = None
) -> Change:
    said = key if purpose is None else f"{purpose}: {key}"
    return Change(kind, purpose, recipient, None, (), said, key, kind in WIDENING)


def _longer(purpose: str | None, what: str, old_ms: int, new_ms: int) -> Iterator[Change]:
    if old_ms != new_ms:
        kind = ChangeKind.LENGTHENS if new_ms > old_ms else ChangeKind.SHORTENS
        key = f"{what} {say_duration(new_ms)} (was {say_duration(old_ms)})"
        yield _change(kind, purpose, key)


def _forbids(
    purpose: str | None, old: tuple[Forbid, ...], new: tuple[Forbid, ...]
) -> Iterator[Change]:
    for forbid in old:
        if not any(_covers(other, forbid) for other in new):
            yield _change(ChangeKind.LOOSENS, purpose, f"no longer forbids {_said(forbid)}")
    for forbid in new:
        if not any(_covers(other, forbid) for other in old):
            yield _change(ChangeKind.TIGHTENS, purpose, f"now forbids {_said(forbid)}")


def _named(forbid: Forbid) -> dict[str, tuple[str, ...]]:
    """What a forbid names, its reasons left out."""
    named: dict[str, Any] = {
        key: getattr(forbid, key) for key in type(forbid).model_fields if key not in REASONS
    }
    return named | {"when": () if forbid.when is None else forbid.when.role}


def _covers(wider: Forbid, forbid: Forbid) -> bool:
    """Whether everything the one forbids is forbidden by the other; naming nothing is all."""
    mine = _named(forbid)
    for key, named in _named(wider).items():
        if not named or named == mine[key]:
            continue
        # The fewer purposes it leaves out, the more it forbids; all else is the reverse.
        less, more = (named, mine[key]) if key == "exempt" else (mine[key], named)
        if not (mine[key] and set(less) <= set(more)):
            return False
    return True


def _said(forbid: Forbid) -> str:
    parts = []
    for key, named in _named(forbid).items():
        if named:
            parts.append(f"{'except' if key == 'exempt' else key} {' or '.join(named)}")
    return ", ".join(parts)


def _profiles(old: Document, new: Document) -> Iterator[Change]:
    before, after = old.policy.content.profiles, new.policy.content.profiles
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name, False), after.get(name, False)
        if was != now:
            kind = ChangeKind.TIGHTENS if now else ChangeKind.LOOSENS
            yield _change(kind, None, f"profile {name} is {'on' if now else 'off'}")


def _outside(old: Document, new: Document) -> Iterator[Change]:
    before, after = old.policy.content.outside, new.policy.content.outside
    for gone in sorted(set(before.to) - set(after.to)):
        yield _change(ChangeKind.LOOSENS, None, f"positions to {gone} have no bound any more")
    for added in sorted(set(after.to) - set(before.to)):
        yield _change(ChangeKind.TIGHTENS, None, f"positions to {added} have a bound")
    was, now = before.location_at_least, after.location_at_least
    if was == now:
        return
    spaces = (old.precisions.content.precisions[was], new.precisions.content.precisions[now])
    coarser = spaces[1].time >= spaces[0].time and _as_coarse(spaces[1].space, spaces[0].space)
    kind = ChangeKind.TIGHTENS if coarser else ChangeKind.LOOSENS
    yield _change(kind, None, f"positions leave the house at {now} or coarser (was {was})")


def _as_coarse(space: Space, than: Space) -> bool:
    if isinstance(than, Exact):
        return True
    return isinstance(space, MeshJis | MeshH3) and as_coarse_as(space, than)


def _output(old: Output, new: Output) -> Iterator[Change]:
    bounds = old.transport.bound_ms, new.transport.bound_ms
    yield from _longer(new.purpose, f"{new.topic} holds a byte", *bounds)
    if old.recipient_class != new.recipient_class:
        key = f"{new.recipient} is {new.recipient_class} (was {old.recipient_class})"
        yield _change(ChangeKind.OTHERWISE, new.purpose, key, new.recipient)
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
    yield _change(kind, new.purpose, key, new.recipient)


def _page(old: Purpose, new: Purpose) -> Iterator[Change]:
    yield from _forbids(new.purpose, old.forbids, new.forbids)
    known = {recipient.id: recipient for recipient in old.recipients}
    for recipient in new.recipients:
        if recipient.id in known:
            yield from _recipient(new.purpose, known[recipient.id], recipient)
    yield from _delivery(old, new)
    was, now = FORMS.index(old.identity.form), FORMS.index(new.identity.form)
    if was != now:
        kind = ChangeKind.LOOSENS if now > was else ChangeKind.TIGHTENS
        key = f"records seem to come from {new.identity.form} (was {old.identity.form})"
        yield _change(kind, new.purpose, key)


def _recipient(purpose: str, old: Recipient, new: Recipient) -> Iterator[Change]:
    for country in new.countries:
        if country not in old.countries:
            key = f"{new.id} receives in {country}"
            yield _change(ChangeKind.LOOSENS, purpose, key, new.id)
    for country in old.countries:
        if country not in new.countries:
            key = f"{new.id} no longer receives in {country}"
            yield _change(ChangeKind.TIGHTENS, purpose, key, new.id)
    if old.who != new.who:
        key = f"{new.id} is {_both(new.who)} (was {_both(old.who)})"
        yield _change(ChangeKind.OTHERWISE, purpose, key, new.id)


def _both(text: Bilingual) -> str:
    """One language may change alone."""
    return f"{text.en} / {text.ja}"


def _delivery(old: Purpose, new: Purpose) -> Iterator[Change]:
    """A shorter window dates records more finely by their arrival."""
    if old.delivery.release != new.delivery.release:
        key = f"released {new.delivery.release} (was {old.delivery.release})"
        shorter = _window_ms(new.delivery.release) < _window_ms(old.delivery.release)
        kind = ChangeKind.FINER if shorter else ChangeKind.COARSER
        yield _change(kind, new.purpose, key)


def _window_ms(release: str) -> int:
    return 0 if release == LIVE else duration_ms(release)
