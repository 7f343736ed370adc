"""One grant beside its successor: what became longer, shorter, finer, coarser, or otherwise."""

from collections.abc import Iterator

from policy.diff.change import ITEMS, WIDENING, Change, ChangeKind
from policy.diff.coarseness import Than, compare_periods, compare_treatments
from policy.diff.grants import Grant
from policy.vocabulary.periods import coarsest_grain
from policy.vocabulary.terms import Period
from policy.vocabulary.words import format_duration, format_space


def compare_grants(who: str, old: Grant | None, new: Grant | None) -> Iterator[Change]:
    """The changes of one signal for one recipient; ``who`` names purpose and recipient."""
    if new is None:
        if old is not None:
            said = f"{who} may no longer keep {ITEMS} {old.span}"
            yield _change(ChangeKind.CLOSES, old, said, f"closes {old.span}")
    elif old is None:
        treated = f" ({_treated(new)})" if _treated(new) else ""
        said = f"{who} may now keep {ITEMS} {new.span}{treated}"
        yield _change(ChangeKind.OPENS, new, said, f"opens {new.span}{treated}")
    else:
        yield from _category(who, old, new)
        yield from _period(who, old, new)
        yield from _minimum(who, old, new)
        yield from _early(who, old, new)
        yield from _review(who, old, new)
        yield from _grain(who, old, new)
        yield from _treatment(who, old, new)
        yield from _until(who, old, new)
        yield from _ground(who, old, new)
        yield from _withdrawal(who, old, new)


def _change(
    kind: ChangeKind, grant: Grant, said: str, key: str, *, widens: bool | None = None
) -> Change:
    widening = kind in WIDENING if widens is None else widens
    return Change(
        kind,
        grant.purpose,
        grant.recipient,
        grant.category,
        (grant.item,),
        said,
        key,
        widening,
        consents=grant.consents,
    )


def _category(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """Forbids name categories: what moves leaves those of the old one."""
    if old.category != new.category:
        key = f"as {new.category} (was {old.category})"
        yield _change(ChangeKind.OTHERWISE, new, f"{who} keeps {ITEMS} {key}", key)


def _period(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    than = _compare_lives(old.period, new.period)
    if than is Than.SAME:
        return
    kind = ChangeKind.LENGTHENS if than is Than.MORE else ChangeKind.SHORTENS
    may = "may now keep" if than is Than.MORE else "may keep only"
    key = f"{new.span} (was {_was(old, new)})"
    yield _change(kind, new, f"{who} {may} {ITEMS} {key}", key)


def _compare_lives(old: Period | None, new: Period | None) -> Than:
    """A life that nothing bounds is longer than any other."""
    if old is None or new is None:
        return Than.SAME if old == new else Than.MORE if new is None else Than.LESS
    return compare_periods(old, new)


def _was(old: Grant, new: Grant) -> str:
    if old.period is not None and new.period is not None and old.period.unit == new.period.unit:
        return str(old.period.count)
    return old.span


def _minimum(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """A minimum keeps longer what an event would end: to lower it shortens."""
    if old.minimum == new.minimum:
        return
    if old.minimum is None or new.minimum is None:
        longer = new.minimum is not None
    else:
        longer = compare_periods(old.minimum, new.minimum) is Than.MORE
    kind = ChangeKind.LENGTHENS if longer else ChangeKind.SHORTENS
    key = f"at least {new.minimum or 'no time'} (was {old.minimum or 'no time'})"
    yield _change(kind, new, f"{who} keeps {ITEMS} {key}", key)


def _review(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """A later day of review leaves longer unseen what nothing ends."""
    if old.review_on != new.review_on:
        later = new.review_on is None or (
            old.review_on is not None and new.review_on > old.review_on
        )
        kind = ChangeKind.LOOSENS if later else ChangeKind.TIGHTENS
        key = f"reviewed on {new.review_on or 'no day'} (was {old.review_on or 'no day'})"
        yield _change(kind, new, f"{who} keeps {ITEMS} {key}", key)


def _early(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """An event that ends lives early may fall away, change, or leave more time."""
    if (old.early, old.trigger) == (new.early, new.trigger):
        return
    if old.early is None and new.early is None:
        key = f"counted from {new.trigger} (was {old.trigger})"
        yield _change(ChangeKind.OTHERWISE, new, f"{who} keeps {ITEMS} {key}", key)
        return
    if new.early is None:
        kind = ChangeKind.LENGTHENS
    elif old.early is None:
        kind = ChangeKind.SHORTENS
    elif old.trigger != new.trigger:
        kind = ChangeKind.OTHERWISE
    else:
        longer = compare_periods(old.early, new.early) is Than.MORE
        kind = ChangeKind.LENGTHENS if longer else ChangeKind.SHORTENS
    key = f"{_end(new)} (was {_end(old)})"
    yield _change(kind, new, f"{who} keeps {ITEMS} {key}", key)


def _end(grant: Grant) -> str:
    return "to no event" if grant.early is None else f"{grant.early} from {grant.trigger}"


def _grain(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """A finer grain ends a life later; one that only follows from the period is no change.

    After an event the period is another one, so the grain matters by itself.
    """
    follows = all(
        one.early is None and one.period is not None and one.grain is coarsest_grain(one.period)
        for one in (old, new)
    )
    if old.grain == new.grain or follows:
        return
    later = new.grain.fineness < old.grain.fineness
    kind = ChangeKind.LENGTHENS if later else ChangeKind.SHORTENS
    key = f"to the {new.grain} (was {old.grain})"
    yield _change(kind, new, f"{who} keeps {ITEMS} {key}", key)


def _treatment(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    than = compare_treatments(old, new)
    if than is Than.SAME:
        return
    kinds = {Than.MORE: ChangeKind.FINER, Than.LESS: ChangeKind.COARSER}
    kind = ChangeKind.OTHERWISE if than is None else kinds[than]
    said = {ChangeKind.FINER: "finer", ChangeKind.COARSER: "coarser"}.get(kind, "otherwise")
    key = f"{_treated(new)} (was {_treated(old)})"
    yield _change(kind, new, f"{who} sees {ITEMS} {said}: {key}", key)


def _treated(grant: Grant) -> str:
    parts = (
        grant.delivery,
        "" if grant.at_least is None else f"groups of {grant.at_least}",
        grant.treatment,
        grant.worded,
        "" if grant.space is None else format_space(grant.space),
        f"time {format_duration(grant.time_floor_ms)}" if grant.time_floor_ms else "",
    )
    return ", ".join(part for part in parts if part)


def _until(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """A later last day of a recipient extends what it receives, not how long it keeps that."""
    if old.until != new.until:
        later = new.until is None or (old.until is not None and new.until > old.until)
        kind = ChangeKind.LENGTHENS if later else ChangeKind.SHORTENS
        key = f"until {new.until or 'further notice'} (was {old.until or 'further notice'})"
        yield _change(kind, new, f"{who} receives {ITEMS} {key}", key)


def _ground(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """A consent that is no longer asked for widens; a new notice of the same kind does not."""
    if old.basis == new.basis:
        return
    if old.basis.kind == new.basis.kind:
        key = f"notice {new.basis.notice} (was {old.basis.notice})"
        said = f"{who} keeps {ITEMS} under {key}"
        yield _change(ChangeKind.GROUND, new, said, key, widens=False)
        return
    key = f"basis {new.basis.kind} (was {old.basis.kind})"
    narrows = new.basis.kind.needs_consent and not old.basis.kind.needs_consent
    yield _change(ChangeKind.GROUND, new, f"{who} keeps {ITEMS} on {key}", key, widens=not narrows)


def _withdrawal(who: str, old: Grant, new: Grant) -> Iterator[Change]:
    """What a withdrawal leaves lives longer than what it takes along.

    A cell that comes to rest on a consent, or no longer does, changes its ground, which says it.
    """
    if old.on_withdrawal is None or new.on_withdrawal is None:
        return
    if old.on_withdrawal != new.on_withdrawal:
        longer = new.on_withdrawal == "keep_before"
        kind = ChangeKind.LENGTHENS if longer else ChangeKind.SHORTENS
        key = f"on withdrawal {new.on_withdrawal} (was {old.on_withdrawal})"
        yield _change(kind, new, f"{who} treats {ITEMS} {key}", key)
