"""From settings and the broker's own settings to the plan in force, or to a refusal to run.

Every process compiles the same versions with the same limits, so all have one digest. A plan
that does not compile, a missing topic or a drifted setting stops a process from starting:
each is an ``NotReady`` that says what to do.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from bus.client.connection import Connection
from bus.client.security import MECHANISM, Security
from bus.failures import BrokerError, TopicError
from bus.ports import Admin
from bus.topics import TopicSpec, drift
from policy.artefacts.topics import transports_of
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS
from telemetry.topics import partitions_fixed

ENTRY_S_MAX: Final = 20.0
GOODBYE_S: Final = 0.5
"""For connections to be gone before the loop ends that opened them."""
_FILES: Final = (
    "see that kafka_ca_file holds the authority that signed the broker's certificate, that the "
    "broker is named as its certificate names it, that kafka_certificate_file and kafka_key_file, "
    "if given, are a pair, and that this port is the one with TLS"
)
_USER: Final = (
    "it does not say why. Its certificate is good, so one of these is wrong: kafka_user, or its "
    f"password (as a user of {MECHANISM}, which the broker has to know and to offer on this "
    "port); or, if it asks for certificates, kafka_certificate_file. Its log says which"
)
_CERTIFICATE: Final = (
    "it does not say why. If it asks for certificates, name ours with kafka_certificate_file and "
    "kafka_key_file; if it asks for a password, kafka_security is sasl_ssl. Its log says which"
)


def connection_of(settings: Settings) -> Connection:
    """Where Kafka is, and the prefix of our topics."""
    unpacked_bytes_max = settings.unpacked_mib_max * 1024 * 1024
    return Connection(
        settings.kafka_bootstrap_servers,
        settings.topic_prefix,
        unpacked_bytes_max=unpacked_bytes_max,
        security=security_of(settings),
    )


def security_of(settings: Settings) -> Security:
    """What this process shows at the broker's door; NotReady if the password's file is unfit."""
    return Security(
        settings.kafka_security,
        settings.kafka_user,
        _password(settings),
        settings.kafka_ca_file,
        settings.kafka_certificate_file,
        settings.kafka_key_file,
    )


def _password(settings: Settings) -> str | None:
    if settings.kafka_password is not None:
        return settings.kafka_password.get_secret_value()
    file = settings.kafka_password_file
    if file is None:
        return None
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"the file that kafka_password_file names cannot be read ({type(error).__name__})"
        raise NotReady(msg) from None
    if not found:
        msg = "the file that kafka_password_file names is empty: write the user's password there"
        raise NotReady(msg)
    return found


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
    with _denied_in_words():
        broker = await admin.broker_settings()
    if broker.creates_topics_unasked:
        msg = (
            "the broker creates topics automatically, with a retention of its own: "
            "set auto.create.topics.enable=false on it"
        )
        raise NotReady(msg)
    return limits_of(settings, broker.retention_check_interval_ms, broker.segment_delete_delay_ms)


@contextmanager
def _denied_in_words() -> Iterator[None]:
    """NotReady if the broker knows this user, and does not let it do what its process does."""
    try:
        yield
    except TopicError as error:
        if not error.code.endswith("AuthorizationFailedError"):
            raise
        msg = (
            "the broker does not let this user do what this process does: see that kafka_user is "
            "the process's own principal, and give its rights with `roadfade topics apply --acls`"
        )
        raise NotReady(msg) from error


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
    with _denied_in_words():
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
    """Return if a broker is there and lets us in; NotReady, with what to look at, if not. Blocks.

    Not on an event loop: it runs one of its own.
    """
    named = settings.kafka_bootstrap_servers
    connection = connection_of(settings)
    if not connection.answers():
        msg = (
            f"no broker answers at {named}: start it, or name another with KAFKA_BOOTSTRAP_SERVERS "
            "(`roadfade run` starts one of its own and prints its address)"
        )
        raise NotReady(msg)
    if settings.kafka_security != "plaintext":
        # A plain client hears "no" at its first request; behind TLS nobody says which key fails.
        _require_entry(connection)


def _require_entry(connection: Connection) -> None:
    try:
        wrong = connection.why_no_tls()
        if wrong is None:
            asyncio.run(_entered(connection))
            return
    except OSError as error:  # of a file; SSLError is one
        wrong = f"a TLS file cannot be used ({type(error).__name__})"
        msg = f"{wrong}: {_FILES}"
        raise NotReady(msg) from None
    except (BrokerError, TimeoutError):
        shown = _USER if connection.security.protocol == "sasl_ssl" else _CERTIFICATE
        msg = f"the broker at {connection.bootstrap_servers} does not let us in: {shown}"
        raise NotReady(msg) from None
    msg = f"no TLS connection to the broker at {connection.bootstrap_servers} ({wrong}): {_FILES}"
    raise NotReady(msg)


async def _entered(connection: Connection) -> None:
    try:
        async with asyncio.timeout(ENTRY_S_MAX), connection.admin():
            return
    finally:
        # The client closes the connection that it began with, and one that was refused, without
        # waiting for it, and TLS says goodbye first.
        await asyncio.sleep(GOODBYE_S)
