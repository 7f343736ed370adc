"""From settings and the broker's own settings to the plan in force, or to a refusal to run.

Every process compiles the same versions with the same limits, so all have one digest. A plan
that does not compile, a missing topic or a drifted setting stops a process from starting:
each is an ``NotReady`` that says what to do.
"""

from collections.abc import Mapping

from bus.client.address import Address
from bus.client.connection import Connection
from bus.ports import Admin
from bus.topics import TopicSpec, drift
from policy.artefacts.topics import transports_of
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS
from telemetry.topics import partitions_fixed


def connection_of(settings: Settings) -> Connection:
    """Where Kafka is, and the prefix of our topics."""
    unpacked_bytes_max = settings.unpacked_mib_max * 1024 * 1024
    return Connection(
        settings.kafka_bootstrap_servers,
        settings.topic_prefix,
        unpacked_bytes_max=unpacked_bytes_max,
    )


def limits_of(settings: Settings, check_interval_ms: int, delete_delay_ms: int) -> Limits:
    """The settings that may make the plan finer and shorter, with the broker's own."""
    seconds = settings.topic_retention_s_at_most
    return Limits(
        grain_at_most=settings.grain_at_most,
        topic_retention_ms_at_most=None if seconds is None else seconds * SECOND_MS,
        check_interval_ms=check_interval_ms,
        delete_delay_ms=delete_delay_ms,
        late_ms=settings.late_s * SECOND_MS,
    )


async def limits_on(settings: Settings, admin: Admin) -> Limits:
    """The settings' limits with this broker's own; NotReady if it is unfit."""
    broker = await admin.broker_settings()
    if broker.creates_topics_unasked:
        msg = (
            "the broker creates topics automatically, with a retention of its own: "
            "set auto.create.topics.enable=false on it"
        )
        raise NotReady(msg)
    return limits_of(settings, broker.retention_check_interval_ms, broker.segment_delete_delay_ms)


def specs_of(configs: Mapping[str, Mapping[str, str]], settings: Settings) -> list[TopicSpec]:
    """Topics with these configurations, as this installation sizes them."""
    return [
        TopicSpec(name, partitions_fixed(name) or settings.partitions, config, settings.replication)
        for name, config in configs.items()
    ]


async def partitions_of(admin: Admin, plan: Plan) -> dict[str, int] | None:
    """Partitions of every topic the plan writes or reads; None if one is not there yet."""
    found = await admin.describe(list(transports_of(plan)))
    sizes = {name: topic.partitions for name, topic in found.items() if topic is not None}
    return sizes if len(sizes) == len(found) else None


async def check_topics(admin: Admin, specs: list[TopicSpec]) -> dict[str, int]:
    """Partitions by topic; NotReady if a topic is missing or not as the plan says.

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
        raise NotReady(msg)
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


def require_broker(settings: Settings) -> None:
    """Return if one of the named servers takes a connection; NotReady otherwise. Blocks."""
    named = settings.kafka_bootstrap_servers
    if Address(named).answers():
        return
    msg = (
        f"no broker answers at {named}: start it, or name another with KAFKA_BOOTSTRAP_SERVERS "
        "(`roadfade run` starts one of its own and prints its address)"
    )
    raise NotReady(msg)
