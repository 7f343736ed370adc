"""From settings and the broker's own settings to the plan, or to a refusal to run.

Every process compiles the same document with the same limits, so all have one digest. A
plan that does not compile, a missing topic or a drifted setting stops a process from
starting: each is an ``Unready`` that says what to do.
"""

from pathlib import Path

from bus.admin import TopicAdmin
from bus.connection import Connection
from bus.topics import TopicSpec, drift
from policy.compile import compile_plan
from policy.limits import Limits
from policy.parse import parse
from policy.plan import Plan
from policy.problems import Problem
from policy.topics import topic_configs
from roadfade.documents import load_catalogue, load_files, shipped_policy_path
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS


class Unready(Refusal):
    """Why a process must not start, and the remedy."""

    said = "not started"


def connection_of(settings: Settings) -> Connection:
    """Where Kafka is, and under which prefix our topics stand."""
    return Connection(settings.kafka_bootstrap_servers, settings.topic_prefix)


def compile_policy(settings: Settings, limits: Limits) -> Plan:
    """Parse and compile the document; Unready with every error where it does not hold."""
    path = settings.policy or shipped_policy_path()
    document = parse(_texts(path))
    if isinstance(document, tuple):
        raise Unready(_refusal(path, document))
    compiled = compile_plan(document, load_catalogue(), limits)
    if compiled.plan is None:
        raise Unready(_refusal(path, compiled.problems))
    return compiled.plan


def _texts(path: Path) -> dict[str, str]:
    try:
        return load_files(path)
    except (NotADirectoryError, UnicodeDecodeError) as error:
        msg = f"the policy cannot be read: {error}"
        raise Unready(msg) from error


def _refusal(path: Path, problems: tuple[Problem, ...]) -> str:
    lines = "\n".join(str(problem) for problem in problems)
    return f"the policy {path} does not hold; see `roadfade policy check`:\n{lines}"


def limits_of(settings: Settings, check_interval_ms: int, delete_delay_ms: int) -> Limits:
    """The settings that may make the plan finer and shorter, with the broker's own."""
    seconds = settings.topic_retention_s_at_most
    return Limits(
        grain_at_most=settings.grain_at_most,
        topic_retention_ms_at_most=None if seconds is None else seconds * SECOND_MS,
        check_interval_ms=check_interval_ms,
        delete_delay_ms=delete_delay_ms,
    )


async def plan_for(settings: Settings, admin: TopicAdmin) -> Plan:
    """The plan as this broker can keep it."""
    broker = await admin.broker_settings()
    if broker.creates_topics_unasked:
        msg = (
            "the broker creates topics unasked, with a retention nobody chose: "
            "set auto.create.topics.enable=false on it"
        )
        raise Unready(msg)
    limits = limits_of(settings, broker.retention_check_interval_ms, broker.segment_delete_delay_ms)
    return compile_policy(settings, limits)


def specs_of(plan: Plan, settings: Settings) -> list[TopicSpec]:
    """Every topic as it must be."""
    return [
        TopicSpec(name, settings.partitions, config, settings.replication)
        for name, config in topic_configs(plan).items()
    ]


async def check_topics(admin: TopicAdmin, specs: list[TopicSpec]) -> dict[str, int]:
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
