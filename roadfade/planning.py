"""From settings and the broker's own settings to the plan in force, or to a refusal to run.

Every process compiles the same versions with the same limits, so all have one digest. A plan
that does not compile, a missing topic or a drifted setting stops a process from starting:
each is an ``Unready`` that says what to do.
"""

from collections.abc import Mapping
from pathlib import Path

from bus.connection import Connection
from bus.ports import Admin
from bus.topics import TopicSpec, drift
from policy.artefacts.topics import transports_of
from policy.language.parse import parse_policy
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.documents import UnreadableError, load_files, shipped_policy_path
from roadfade.parsed_files import parsed_files
from roadfade.plans import Plans
from roadfade.refusal import Unready
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS, day_start_ms
from telemetry.publication import Publication


def connection_of(settings: Settings) -> Connection:
    """Where Kafka is, and under which prefix our topics stand."""
    return Connection(settings.kafka_bootstrap_servers, settings.topic_prefix)


def own_publication(settings: Settings) -> Publication:
    """The document of these settings, as if published by its date.

    Unready where its policy.yaml is broken; whether all of it holds shows when it is compiled.
    """
    path = settings.policy or shipped_policy_path()
    files = _texts(path)
    with parsed_files(settings.state_dir) as read:
        policy = parse_policy(files, read)
    if isinstance(policy, tuple):
        lines = "\n".join(str(problem) for problem in policy)
        msg = f"the policy {path} does not hold; see `roadfade policy check`:\n{lines}"
        raise Unready(msg)
    effective_ms = day_start_ms(policy.effective)
    return Publication(policy.policy, policy.version, effective_ms, effective_ms, files)


def compile_policy(settings: Settings, limits: Limits) -> Plan:
    """Parse and compile the settings' own document; Unready with every error."""
    return Plans(limits, settings.state_dir).plan(own_publication(settings))


def _texts(path: Path) -> dict[str, str]:
    try:
        return load_files(path)
    except (NotADirectoryError, UnreadableError) as error:
        msg = f"the policy cannot be read: {error}"
        raise Unready(msg) from error


def limits_of(settings: Settings, check_interval_ms: int, delete_delay_ms: int) -> Limits:
    """The settings that may make the plan finer and shorter, with the broker's own."""
    seconds = settings.topic_retention_s_at_most
    return Limits(
        grain_at_most=settings.grain_at_most,
        topic_retention_ms_at_most=None if seconds is None else seconds * SECOND_MS,
        check_interval_ms=check_interval_ms,
        delete_delay_ms=delete_delay_ms,
    )


async def limits_on(settings: Settings, admin: Admin) -> Limits:
    """The settings' limits with this broker's own; Unready where it is unfit."""
    broker = await admin.broker_settings()
    if broker.creates_topics_unasked:
        msg = (
            "the broker creates topics unasked, with a retention nobody chose: "
            "set auto.create.topics.enable=false on it"
        )
        raise Unready(msg)
    return limits_of(settings, broker.retention_check_interval_ms, broker.segment_delete_delay_ms)


def specs_of(configs: Mapping[str, Mapping[str, str]], settings: Settings) -> list[TopicSpec]:
    """Topics with these configurations, as this installation sizes them."""
    return [
        TopicSpec(name, settings.partitions, config, settings.replication)
        for name, config in configs.items()
    ]


async def partitions_of(admin: Admin, plan: Plan) -> dict[str, int] | None:
    """Partitions of every topic the plan writes or reads; None where one is not there yet."""
    found = await admin.describe(list(transports_of(plan)))
    sizes = {name: topic.partitions for name, topic in found.items() if topic is not None}
    return sizes if len(sizes) == len(found) else None


async def check_topics(admin: Admin, specs: list[TopicSpec]) -> dict[str, int]:
    """Partitions by topic; Unready where a topic is missing or not as the plan says.

    Existing topics keep their number of partitions: it is no part of the promise.
    """
    found = await admin.describe([spec.name for spec in specs])
    problems = [
        str(one)
        for spec in specs
        for one in drift(spec, found[spec.name])
        if one.setting not in ("partitions", "replication")
    ]
    if problems:
        listed = "\n".join(problems)
        msg = f"topics are not as the policy says; run `roadfade topics apply`:\n{listed}"
        raise Unready(msg)
    return {name: topic.partitions for name, topic in found.items() if topic is not None}


async def bring_about(admin: Admin, specs: list[TopicSpec]) -> tuple[list[str], list[str]]:
    """Make the cluster's topics these; the names of those created, and of those changed."""
    created = await admin.create(specs)
    changed = await admin.apply(await _with_own_sizes(admin, specs))
    return created, changed


async def _with_own_sizes(admin: Admin, specs: list[TopicSpec]) -> list[TopicSpec]:
    """Existing topics keep their partitions and replicas: keys would move."""
    found = await admin.describe([spec.name for spec in specs])
    return [
        TopicSpec(spec.name, topic.partitions, spec.config, topic.replication)
        for spec in specs
        if (topic := found[spec.name]) is not None
    ]
