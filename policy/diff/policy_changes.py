"""What holds for the whole company, old beside new: scope, analytics, joint use, combinations."""

from collections.abc import Iterable, Iterator
from typing import Final

from policy.diff.change import Change, ChangeKind, safeguard
from policy.language.document import Document, profiles_in_force
from policy.language.policy_file import Controller, JointUse, JointUser, Manager, Unstated
from policy.language.public_information import PublicInformation
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.patterns import closest

CATEGORIES: Final = ("categories.yaml", "categories")


def house_changes(old: Document, new: Document) -> Iterator[Change]:
    """Changes of policy.yaml's closed lists and of the laws in profiles.yaml."""
    before, after = old.policy.content, new.policy.content
    if before.zone != after.zone:
        # Every day of the document begins earlier or later: also the last one of a recipient.
        key = f"days begin in {after.zone} (was {before.zone})"
        yield safeguard(ChangeKind.OTHERWISE, None, key, at=("zone",))
    for part in ("services", "sources", "subjects"):
        lists = getattr(before.scope, part), getattr(after.scope, part)
        yield from _listed(
            f"the policy covers {part}", *lists, more=ChangeKind.LOOSENS, at=("scope", part)
        )
    yield from _unstated(before.scope.unstated, after.scope.unstated)
    never = before.analytics.never, after.analytics.never
    yield from _listed(
        "analysts never see", *never, more=ChangeKind.TIGHTENS, at=("analytics", "never")
    )
    yield from _group(before.analytics.at_least, after.analytics.at_least)
    terms = before.analytics.dpv, after.analytics.dpv
    yield from _listed(
        "analytics are purposes of", *terms, more=ChangeKind.TIGHTENS, at=("analytics", "dpv")
    )
    joint = before.joint_use, after.joint_use
    for part in ("items", "purposes"):
        was, now = (() if one is None else getattr(one, part) for one in joint)
        yield from _listed(
            f"joint use covers {part}", was, now, more=ChangeKind.LOOSENS, at=("joint_use", part)
        )
    users = (() if one is None else [user.recipient for user in one.users] for one in joint)
    yield from _listed(
        "joint use names users", *users, more=ChangeKind.LOOSENS, at=("joint_use", "users")
    )
    yield from _joint_use(*joint)
    yield from _public(before.public_information, after.public_information)
    pairs = (
        {" with ".join(sorted(one.purposes)) for one in policy.combine}
        for policy in (before, after)
    )
    yield from _listed(
        "purposes that may be combined", *pairs, more=ChangeKind.LOOSENS, at=("combine",)
    )
    laws = ({*_laws(document)} for document in (old, new))
    yield from _listed(
        "laws in force", *laws, more=ChangeKind.TIGHTENS, at=("profiles.yaml", "profiles")
    )
    yield from _homes(old, new)
    yield from _position_like(old, new)
    frames = (_frames(document) for document in (old, new))
    yield from _listed("raw frames", *frames, more=ChangeKind.LOOSENS, at=CATEGORIES)
    yield from _controller(before.controller, after.controller)


def _unstated(old: Unstated | None, new: Unstated | None) -> Iterator[Change]:
    """As what counts what names no service or no source: none is stricter than any."""
    for part in ("service", "source"):
        was, now = (None if one is None else getattr(one, part) for one in (old, new))
        if was == now:
            continue
        if now is None:
            kind, key = ChangeKind.TIGHTENS, f"what names no {part} is not admitted"
        else:
            kind = ChangeKind.LOOSENS if was is None else ChangeKind.OTHERWISE
            key = f"what names no {part} counts as {now}"
        before = "not admitted" if was is None else f"as {was}"
        yield safeguard(kind, None, f"{key} (was {before})", at=("scope", "unstated"))


def _homes(old: Document, new: Document) -> Iterator[Change]:
    """Which countries are abroad matters only if both documents ask for a ground to send there."""
    both_ask = all(
        any("transfer_route" in profile.requires for _, profile in profiles_in_force(document))
        for document in (old, new)
    )
    if both_ask:
        homes = ({c for _, p in profiles_in_force(one) for c in p.home} for one in (old, new))
        yield from _listed(
            "home countries", *homes, more=ChangeKind.LOOSENS, at=("profiles.yaml", "profiles")
        )


def _position_like(old: Document, new: Document) -> Iterator[Change]:
    """Every output applies the patterns of all categories; one within a wider one adds nothing."""
    before, after = (
        [
            like
            for one in document.categories.content.categories.values()
            for like in one.position_like
        ]
        for document in (old, new)
    )
    gone = [like for like in before if closest(after, like) is None]
    added = [like for like in after if closest(before, like) is None]
    what = "signals that can reveal a route"
    yield from _listed(what, gone, added, more=ChangeKind.TIGHTENS, at=CATEGORIES)


def _joint_use(old: JointUse | None, new: JointUse | None) -> Iterator[Change]:
    """Its manager and its notice; items and purposes are lists of their own."""
    if old is None or new is None:
        return
    if old.manager != new.manager:
        key = f"joint use is managed by {_manager(new.manager)} (was {_manager(old.manager)})"
        yield safeguard(ChangeKind.OTHERWISE, None, key, at=("joint_use", "manager"))
    if old.notice != new.notice:
        key = f"joint use is announced in {new.notice} (was {old.notice})"
        yield safeguard(ChangeKind.OTHERWISE, None, key, at=("joint_use", "notice"))

    was, now = ({one.recipient: one for one in joint.users} for joint in (old, new))
    for name in sorted(was.keys() & now.keys()):
        if was[name] != now[name]:
            key = f"joint user {name} is {_joint_user(now[name])} (was {_joint_user(was[name])})"
            yield safeguard(ChangeKind.OTHERWISE, None, key, at=("joint_use", "users"))


def _joint_user(one: JointUser) -> str:
    return f"{one.representative.both}, {one.address.both}, since {one.since}"


def _public(old: PublicInformation | None, new: PublicInformation | None) -> Iterator[Change]:
    """What people are told of requests, security and complaints, text by text."""
    was, now, at = _told(old), _told(new), ("public_information",)
    for name in dict.fromkeys((*was, *now)):
        if name not in was:
            yield safeguard(ChangeKind.TIGHTENS, None, f"people are told of {name}", at=at)
        elif name not in now:
            yield safeguard(ChangeKind.LOOSENS, None, f"people are no longer told of {name}", at=at)
        elif was[name] != now[name]:
            yield safeguard(
                ChangeKind.OTHERWISE, None, f"people are told otherwise of {name}", at=at
            )


def _told(public: PublicInformation | None) -> dict[str, Bilingual]:
    """Each text by its place, as ``requests.fee``."""
    parts = () if public is None else (public.requests, public.security, public.complaints)
    return {
        f"{type(part).__name__.lower()}.{name}": text
        for part in parts
        for name in type(part).model_fields
        if isinstance(text := getattr(part, name), Bilingual)
    }


def _controller(old: Controller, new: Controller) -> Iterator[Change]:
    was, now = _manager(old), _manager(new)
    if was != now:
        key = f"the controller is {now} (was {was})"
        yield safeguard(ChangeKind.OTHERWISE, None, key, at=("controller",))


def _frames(document: Document) -> Iterator[str]:
    for name, category in document.categories.content.categories.items():
        yield from (f"{name}: {frame}" for frame in category.frames)


def _manager(one: Manager | Controller) -> str:
    return ", ".join(part.both for part in (one.name, one.representative, one.address))


def _laws(document: Document) -> Iterator[str]:
    """What each law that is turned on asks and forbids, in words that change when it does."""
    on = document.policy.content.profiles
    for name, profile in document.profiles.content.profiles.items():
        if not on.get(name, False):
            continue
        yield f"{name} begins on {profile.effective}"
        yield from (f"{name} requires {what}" for what in profile.requires)
        for forbid in profile.forbids:
            named = forbid.model_dump(exclude={"because", "cites"}, exclude_defaults=True)
            yield f"{name} forbids {', '.join(f'{key} {value}' for key, value in named.items())}"
        if profile.until is not None:
            yield f"{name} ends on {profile.until}"


def _listed(
    what: str, old: Iterable[str], new: Iterable[str], *, more: ChangeKind, at: tuple[str, ...]
) -> Iterator[Change]:
    """``more`` is the kind of an added line; a removed one is of the reverse kind."""
    before, after = list(old), list(new)
    less = ChangeKind.TIGHTENS if more is ChangeKind.LOOSENS else ChangeKind.LOOSENS
    for line in sorted(set(after) - set(before)):
        yield safeguard(more, None, f"{what}: added {line}", at=at)
    for line in sorted(set(before) - set(after)):
        yield safeguard(less, None, f"{what}: removed {line}", at=at)


def _group(old: int, new: int) -> Iterator[Change]:
    if old != new:
        kind = ChangeKind.LOOSENS if new < old else ChangeKind.TIGHTENS
        yield safeguard(
            kind,
            None,
            f"the smallest group shown is {new} people (was {old})",
            at=("analytics", "at_least"),
        )
