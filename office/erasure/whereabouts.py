"""From a person's links to the pseudonyms under which their readings may lie. Pure.

In: links, all plans that ever were in force, keys. Out: by output, pseudonyms; and the keys that
are destroyed, so that what was made under them cannot be located any more. A pseudonym belongs to
one link, and so to one person; nothing here depends on when a link ended, since a reading that was
processed before the end became known lies under its pseudonym all the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from office.keyring.ended import AHEAD_MS
from office.keyring.wrapping import KeyName
from policy.plan.epochs import epochs_of
from policy.plan.plan import Output, Plan
from telemetry.identity import EpochKey, Pseudonym
from telemetry.keyed_hashes import pseudonym
from telemetry.wire.control import LinkInterval


class EpochKeys(Protocol):
    """What is asked of a keyring."""

    def epochs(self, purpose: str, recipient: str) -> Mapping[str, EpochKey | None]:
        """Every key of these that was ever made, by its epoch; None: it is destroyed."""
        ...


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where readings may lie."""

    by_output: Mapping[str, frozenset[Pseudonym]] = field(default_factory=dict)
    """By output id; outputs for which there is no pseudonym are absent."""
    unlocatable: frozenset[KeyName] = frozenset()
    """Keys that are destroyed, of epochs that the links reach into."""


def whereabouts(
    links: Iterable[LinkInterval], plans: Iterable[Plan], keys: EpochKeys, now_ms: int
) -> Whereabouts:
    """Every pseudonym of these links, in all outputs of all plans, up to now.

    An epoch whose key was never made has no readings: a worker makes it before it stamps one.
    """
    links = tuple(links)
    by_output: dict[str, set[Pseudonym]] = {}
    unlocatable = set[KeyName]()
    for output in _outputs(plans):
        made = keys.epochs(output.purpose, output.recipient)
        for link in links:
            for span in epochs_of(output.epoch, link.from_ms, now_ms + AHEAD_MS):
                key = made.get(span.name)
                if key is not None:
                    by_output.setdefault(output.id, set()).add(pseudonym(key, link.secret))
                elif span.name in made:
                    unlocatable.add((output.purpose, output.recipient, span.name))
    found = {output: frozenset(pseudonyms) for output, pseudonyms in by_output.items()}
    return Whereabouts(found, frozenset(unlocatable))


def _outputs(plans: Iterable[Plan]) -> Iterable[Output]:
    """Each output once for every length of epoch that it ever had."""
    found = {(one.id, one.epoch): one for plan in plans for one in plan.outputs}
    return found.values()
