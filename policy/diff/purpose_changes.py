"""One purpose's page, old beside new: recipients, delivery, identity, what kind of purpose."""

from collections.abc import Iterator
from typing import Final

from policy.diff.change import Change, ChangeKind, safeguard
from policy.diff.forbid_changes import forbid_changes
from policy.language.purpose_file import Purpose, Recipient
from policy.vocabulary.words import duration_ms

LIVE: Final = "live"
RECIPIENTS: Final = ("recipients",)
CELLS: Final = ("cells",)
FORMS: Final = ("none", "pseudonym", "named")
"""Forms of identity, the one that reveals least first."""


def page_changes(old: Purpose, new: Purpose) -> Iterator[Change]:
    """Changes of a page beside its cells, whatever way its records leave."""
    yield from forbid_changes(new.purpose, old.forbids, new.forbids)
    known = {recipient.id: recipient for recipient in old.recipients}
    for recipient in new.recipients:
        if recipient.id in known:
            yield from _recipient(new.purpose, known[recipient.id], recipient)
    yield from _delivery(old, new)
    if old.suspended != new.suspended:
        kind = ChangeKind.TIGHTENS if new.suspended else ChangeKind.LOOSENS
        key = "is suspended" if new.suspended else "is no longer suspended"
        yield safeguard(kind, new.purpose, key, at=("suspended",))
    was, now = FORMS.index(old.identity.form), FORMS.index(new.identity.form)
    if was != now:
        kind = ChangeKind.LOOSENS if now > was else ChangeKind.TIGHTENS
        key = f"records seem to come from {new.identity.form} (was {old.identity.form})"
        yield safeguard(kind, new.purpose, key, at=("identity", "form"))
    if old.gdpr != new.gdpr:
        key = f"its ground in the GDPR is {new.gdpr or 'not named'} (was {old.gdpr or 'not named'})"
        yield safeguard(ChangeKind.OTHERWISE, new.purpose, key, at=("gdpr",))
    yield from _unlinkable(old, new)
    if old.dpv != new.dpv:
        # The term decides which purposes are analytics: another one may leave their bounds.
        key = f"its purpose is {new.dpv} (was {old.dpv})"
        yield safeguard(ChangeKind.LOOSENS, new.purpose, key, at=("dpv",))


def _recipient(purpose: str, old: Recipient, new: Recipient) -> Iterator[Change]:
    for country in new.countries:
        if country not in old.countries:
            key = f"{new.id} receives in {country}"
            yield safeguard(ChangeKind.LOOSENS, purpose, key, new.id, at=RECIPIENTS)
    for country in old.countries:
        if country not in new.countries:
            key = f"{new.id} no longer receives in {country}"
            yield safeguard(ChangeKind.TIGHTENS, purpose, key, new.id, at=RECIPIENTS)
    if old.recipient_class != new.recipient_class:
        key = f"{new.id} is {new.recipient_class} (was {old.recipient_class})"
        yield safeguard(ChangeKind.OTHERWISE, purpose, key, new.id, at=RECIPIENTS)
    was, now = (_route(one) for one in (old, new))
    if was != now:
        key = f"{new.id} receives abroad on {now} (was {was})"
        yield safeguard(ChangeKind.OTHERWISE, purpose, key, new.id, at=RECIPIENTS)
    if old.who != new.who:
        key = f"{new.id} is {new.who.both} (was {old.who.both})"
        yield safeguard(ChangeKind.OTHERWISE, purpose, key, new.id, at=RECIPIENTS)


def _route(recipient: Recipient) -> str:
    return "no ground" if recipient.transfer is None else f"the ground {recipient.transfer.route}"


def _unlinkable(old: Purpose, new: Purpose) -> Iterator[Change]:
    """A claim that records are unlinkable means that they are about no person any more."""
    before, after = _claims(old), _claims(new)
    for claim in after:
        if claim not in before:
            yield safeguard(
                ChangeKind.OTHERWISE, new.purpose, f"unlinkable: added {claim}", at=CELLS
            )
    for claim in before:
        if claim not in after:
            yield safeguard(
                ChangeKind.TIGHTENS, new.purpose, f"unlinkable: removed {claim}", at=CELLS
            )


def _claims(page: Purpose) -> list[str]:
    claimed = [
        (category, cell.unlinkable)
        for category, cells in page.cells.items()
        for cell in cells
        if cell.unlinkable is not None
    ]
    return [
        f"{category}, {claim.linked_percent:g} percent found again on {claim.measured}"
        for category, claim in claimed
    ]


def _delivery(old: Purpose, new: Purpose) -> Iterator[Change]:
    """A shorter window dates records more finely by their arrival."""
    if old.delivery.release != new.delivery.release:
        key = f"released {new.delivery.release} (was {old.delivery.release})"
        shorter = _window_ms(new.delivery.release) < _window_ms(old.delivery.release)
        kind = ChangeKind.FINER if shorter else ChangeKind.COARSER
        yield safeguard(kind, new.purpose, key, at=("delivery", "release"))


def _window_ms(release: str) -> int:
    return 0 if release == LIVE else duration_ms(release)
