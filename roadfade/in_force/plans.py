"""Published versions made ready: each compiled once for this process, with its own limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from policy.artefacts.topics import topic_configs
from policy.compiled import CompiledPolicy
from policy.compiler.compile import compile_plan
from policy.language.parse import parse
from policy.language.problems import Problem
from policy.plan.limits import Limits
from policy.plan.plan import Plan, Transport
from policy.versions.in_force import active_versions, in_force
from policy.versions.topic_handover import ActiveVersion, closed, coming, held, renamed
from roadfade.in_force.documents import load_catalogue, own_publication
from roadfade.in_force.parsed_files import parsed_files
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.instants import format_instant
from telemetry.wire.publication import Publication

KEPT_MAX: Final = 1_000
EARLIER_MAX: Final = 3


class Plans:
    """Versions compiled under one installation's limits, once, valid or not.

    Compiling blocks for a second.
    """

    def __init__(self, limits: Limits, state_dir: Path) -> None:
        self._limits = limits
        self._state_dir = state_dir
        self._catalogue = load_catalogue()
        self._made: dict[int, tuple[Publication, CompiledPolicy | str]] = {}

    def version(self, publication: Publication) -> CompiledPolicy:
        """Plan and document of a version; NotReady with every problem if it does not hold."""
        made = self._made.get(publication.version)
        if made is None or made[0] != publication:
            if len(self._made) >= KEPT_MAX:
                self._made.clear()
            made = publication, self._compiled(publication)
            self._made[publication.version] = made
        if isinstance(made[1], str):
            raise NotReady(made[1])
        return made[1]

    def plan(self, publication: Publication) -> Plan:
        """The plan of a version; NotReady as ``version``."""
        return self.version(publication).plan

    def plan_if_it_holds(self, publication: Publication) -> Plan | None:
        """The plan of a version, None if it does not hold here."""
        try:
            return self.plan(publication)
        except NotReady:
            return None

    def _compiled(self, publication: Publication) -> CompiledPolicy | str:
        """As ``_compile``; a document on which reader or compiler fails does not hold either."""
        try:
            return self._compile(publication)
        except Exception as failure:  # noqa: BLE001  # nothing is lost or let through: it decides nothing, and what would wait for it waits
            name = f"{publication.policy} {publication.version}"
            why = type(failure).__name__
            return (
                f"the policy {name} does not hold: {why} while it was compiled, which is a defect"
            )

    def _compile(self, publication: Publication) -> CompiledPolicy | str:
        """The version, or why it does not hold."""
        # Its cases are the publisher's to ask: they decide nothing, and take as long to read.
        rules = {n: text for n, text in publication.files.items() if not n.startswith("cases/")}
        with parsed_files(self._state_dir) as read:
            document = parse(rules, read)
        if isinstance(document, tuple):
            return _refusal(publication, document)
        compiled = compile_plan(document, self._catalogue, self._limits)
        if compiled.policy is None:
            return _refusal(publication, compiled.problems)
        return compiled.policy


def _refusal(publication: Publication, problems: Sequence[Problem]) -> str:
    lines = "\n".join(str(problem) for problem in problems)
    name = f"{publication.policy} {publication.version}"
    return f"the policy {name} does not hold; see `roadfade policy check`:\n{lines}"


@dataclass(frozen=True, slots=True)
class VersionTimeline:
    """Policy versions around one instant: earlier ones, the one in force (last), and the next.

    ``EARLIER_MAX`` before it: what older ones promised for their topics is long kept.
    """

    active_versions: tuple[ActiveVersion, ...]
    following: Plan | None

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self.active_versions[-1].plan

    @property
    def since_ms(self) -> int:
        """The instant from which it is in force."""
        return self.active_versions[-1].starts_ms

    @property
    def closed(self) -> tuple[str, ...]:
        """Topics whose recipient receives nothing more."""
        return closed(self.active_versions, self.following)

    @property
    def kept_topics(self) -> Mapping[str, str]:
        """Output ids by topic, of all that is to be kept: renamed topics still hold records."""
        return {**renamed(self.active_versions), **{one.topic: one.id for one in self.plan.outputs}}

    def topic_configs(self, now_ms: int) -> Mapping[str, Mapping[str, str]]:
        """Every topic as it must be at an instant: the plan's, and those of the next version."""
        ahead: Mapping[str, Transport] = coming(self.plan, self.following)
        return topic_configs(self.plan, {**held(self.active_versions, now_ms), **ahead})


def line_at(published: Sequence[Publication], plans: Plans, now_ms: int) -> VersionTimeline:
    """The versions at an instant, compiled; NotReady if none is in force, or it does not hold.

    Others that do not hold are left out: an earlier one decides nothing any more, and the next
    one has until its start. Blocks while it compiles what it has not compiled yet.
    """
    past = active_versions(published, now_ms)
    if not past:
        first = min(published, key=lambda one: one.starts_ms)
        msg = (
            f"the policy {first.policy} {first.version} takes effect on "
            f"{format_instant(first.starts_ms)}, and none is in force before: nothing may be "
            "decided until then"
        )
        raise NotReady(msg)
    recent = past[-1 - EARLIER_MAX : -1]
    earlier = ((plans.plan_if_it_holds(one), one.starts_ms) for one in recent)
    following = in_force(published, now_ms).following
    return VersionTimeline(
        (
            *(ActiveVersion(plan, starts_ms) for plan, starts_ms in earlier if plan is not None),
            ActiveVersion(plans.plan(past[-1]), past[-1].starts_ms),
        ),
        None if following is None else plans.plan_if_it_holds(following),
    )


def compile_policy(settings: Settings, limits: Limits) -> Plan:
    """Parse and compile the settings' own document; NotReady with every error."""
    return Plans(limits, settings.state_dir).plan(own_publication(settings))
