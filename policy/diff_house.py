"""What holds for the whole house, old beside new: scope, analytics, joint use, combinations."""

from collections.abc import Iterable, Iterator

from policy.changes import WIDENING, Change, ChangeKind
from policy.document import Document


def house_changes(old: Document, new: Document) -> Iterator[Change]:
    """Changes of policy.yaml's closed lists and of the laws in profiles.yaml."""
    before, after = old.policy.content, new.policy.content
    for part in ("services", "sources", "subjects"):
        lists = getattr(before.scope, part), getattr(after.scope, part)
        yield from _listed(f"the policy covers {part}", *lists, more=ChangeKind.LOOSENS)
    never = before.analytics.never, after.analytics.never
    yield from _listed("analysts never see", *never, more=ChangeKind.TIGHTENS)
    yield from _group(before.analytics.at_least, after.analytics.at_least)
    joint = before.joint_use, after.joint_use
    for part in ("items", "purposes"):
        was, now = (() if one is None else getattr(one, part) for one in joint)
        yield from _listed(f"joint use covers {part}", was, now, more=ChangeKind.LOOSENS)
    pairs = (
        {" with ".join(sorted(one.purposes)) for one in policy.combine}
        for policy in (before, after)
    )
    yield from _listed("one session may hold", *pairs, more=ChangeKind.LOOSENS)
    laws = ({*_laws(document)} for document in (old, new))
    yield from _listed("a law in force", *laws, more=ChangeKind.TIGHTENS)


def _laws(document: Document) -> Iterator[str]:
    """What each law that is turned on asks and forbids, in words that change when it does."""
    on = document.policy.content.profiles
    for name, profile in document.profiles.content.profiles.items():
        if not on.get(name, False):
            continue
        yield from (f"{name} requires {what}" for what in profile.requires)
        for forbid in profile.forbids:
            named = forbid.model_dump(exclude={"because", "cites"}, exclude_defaults=True)
            yield f"{name} forbids {', '.join(f'{key} {value}' for key, value in named.items())}"
        if profile.until is not None:
            yield f"{name} ends on {profile.until}"


def _listed(
    what: str, old: Iterable[str], new: Iterable[str], *, more: ChangeKind
) -> Iterator[Change]:
    """``more`` is what an added line does; a removed one does the reverse."""
    before, after = list(old), list(new)
    less = ChangeKind.TIGHTENS if more is ChangeKind.LOOSENS else ChangeKind.LOOSENS
    for line in sorted(set(after) - set(before)):
        yield _change(more, f"{what}: now {line}")
    for line in sorted(set(before) - set(after)):
        yield _change(less, f"{what}: no longer {line}")


def _group(old: int, new: int) -> Iterator[Change]:
    if old != new:
        kind = ChangeKind.LOOSENS if new < old else ChangeKind.TIGHTENS
        yield _change(kind, f"the smallest group shown is {new} people (was {old})")


def _change(kind: ChangeKind, key: str) -> Change:
    return Change(kind, None, None, None, (), key, key, kind in WIDENING)
