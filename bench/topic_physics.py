"""How long a byte lies on the broker, for each kind of topic that Roadfade makes.

``python -m bench.topic_physics``: a broker of its own, topics with the settings that a compiled
plan gives them (their retention as short as an installation may set it), records with canaries
planted at moments by chance, and a search of every file in the broker's folder ten times a second.
Each time stands beside what the project's own formula gives for that topic. Beside ``idle`` kinds,
which have one canary on each partition and nothing after it, other records come. A compacted topic
without heartbeats has no bound, and is told apart: how many canaries it still held when the others'
bound was over, and how long they lay there once heartbeats came again. ``--json`` prints the
figures as the last line. ``forced`` is ``roadfade topics force-end``, counted from its cut.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.canaries import LOOK_EVERY_S, Company, Planter, Topic, Watched, in_files
from bench.forcing import forced
from bench.job import POLICY
from bus.client.connection import Connection
from bus.ports import BrokerSettings
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from policy.artefacts.topics import COMPACTION_LAG_MS_MAX, topic_configs, transports_of
from policy.plan.bounds import deleted_ms, replaced_ms
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.in_force.plans import compile_policy
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from roadfade.settings import Settings
from telemetry.instants import SECOND_MS
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_PROCESSES,
    CONTROL_LINKS,
    HEARTBEAT_KEY,
    RAW,
    erase_topics,
)

CANARIES: Final = 12
"""Of each kind."""
PLANTED_OVER_S: Final = 60.0
RETENTION_MS: Final = 10 * SECOND_MS
"""As short as the compiler closes segments."""
SILENT: Final = "compacted.silent"
TIMES_THE_BOUND: Final = 2.0
"""For so long a canary is waited for."""


def short_plan(broker: BrokerSettings) -> Plan:
    """The benchmark's policy, its topics as short as settings may make them."""
    limits = Limits(
        topic_retention_ms_at_most=RETENTION_MS,
        raw_retention_ms_at_most=RETENTION_MS,
        check_interval_ms=broker.retention_check_interval_ms,
        delete_delay_ms=broker.segment_delete_delay_ms,
        late_ms=SECOND_MS,
    )
    return compile_policy(Settings(policy=POLICY), limits)


def kinds(plan: Plan, broker: BrokerSettings) -> list[Topic]:
    """Every kind of topic with its settings and the project's own bound."""
    configs = topic_configs(plan)
    commands = erase_topics(configs)[0]
    lasting_ms = {name: one.bound_ms for name, one in transports_of(plan).items()}
    purpose = plan.outputs[0].topic
    check_ms, delay_ms = broker.retention_check_interval_ms, broker.segment_delete_delay_ms
    replaced = replaced_ms(COMPACTION_LAG_MS_MAX, broker.cleaner_backoff_ms, delay_ms)
    answered = deleted_ms(RETENTION_MS, RETENTION_MS, check_ms, delay_ms)
    short = str(RETENTION_MS)
    answers = {**configs[AUDIT_ERASURES], "segment.ms": short, "retention.ms": short}
    others, nobody, beats = Company.OTHERS, Company.NOBODY, Company.HEARTBEATS
    told = [
        ("raw", configs[RAW], lasting_ms[RAW], others, False),
        ("raw.idle", configs[RAW], lasting_ms[RAW], nobody, False),
        ("purpose", configs[purpose], lasting_ms[purpose], others, False),
        ("purpose.idle", configs[purpose], lasting_ms[purpose], nobody, False),
        ("compacted", configs[CONTROL_LINKS], replaced, beats, True),
        ("commands", configs[commands], replaced, beats, True),
        (SILENT, configs[CONTROL_LINKS], replaced, nobody, True),
        ("reports", configs[AUDIT_PROCESSES], replaced, beats, True),
        ("answers", answers, answered, others, False),
        ("answers.idle", answers, answered, nobody, False),
    ]
    return [
        Topic(kind, config, bound_ms / SECOND_MS, company, ends_by_tombstone)
        for kind, config, bound_ms, company, ends_by_tombstone in told
    ]


async def watch(logs: Path, all_watched: Sequence[Watched], until_s: float) -> None:
    """Look at every file again and again until no canary is left that must go, or it is late."""
    while time.monotonic() < until_s:
        found = await asyncio.to_thread(in_files, logs)
        now_s = time.monotonic()
        for one in all_watched:
            one.look(found, now_s)
        if all(one.complete for one in all_watched):
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def measure(servers: str, logs: Path, canaries: int, over_s: float) -> dict[str, Any]:
    """All figures."""
    broker = Connection(servers, "bench.")
    async with broker.admin() as admin:
        settings = await admin.broker_settings()
        told = kinds(await asyncio.to_thread(short_plan, settings), settings)
        await admin.create(
            [TopicSpec(one.kind, one.partitions(canaries), one.config) for one in told]
        )
    watched = {one.kind: Watched(one, canaries) for one in told}
    planting = [
        asyncio.create_task(Planter(broker, one, random.Random(one.topic.kind)).plant(over_s))
        for one in watched.values()
    ]
    begun_s = time.monotonic()
    silent = watched.pop(SILENT)
    longest_s = max(one.topic.bound_s for one in watched.values())
    late_s = begun_s + over_s + TIMES_THE_BOUND * longest_s
    everyone = [*watched.values(), silent]
    # The silent one keeps its canaries: it is looked at until the others' time is over.
    await watch(logs, everyone, begun_s + over_s + longest_s)
    kept = silent.living
    await _beat(broker, silent)
    await watch(logs, everyone, late_s)
    for task in planting:
        task.cancel()
    for task in planting:
        with suppress(asyncio.CancelledError):
            await task
    figures = {kind: _figures(one) for kind, one in watched.items()}
    figures["forced"] = await forced(broker, logs)
    return {
        "kinds": figures,
        "gone_over_bound_max": _highest(one["gone_over_bound"] for one in figures.values()),
        "silent_kept": kept,
        "silent_gone_s_after_heartbeat": _figures(silent)["gone_s"],
        "canaries": canaries,
    }


async def _beat(broker: Connection, silent: Watched) -> None:
    """Heartbeats come to the silent topic again; what is left counts from now."""
    places = range(silent.topic.partitions(silent.count))
    now_s = time.monotonic()
    silent.ends_s = dict.fromkeys(silent.ends_s.keys() - silent.gone_s.keys(), now_s)
    silent.gone_s.clear()
    async with Publisher(broker, clock=wall_ms, compression=None) as publisher:
        await publisher.publish(
            [Outgoing(silent.topic.kind, place, HEARTBEAT_KEY, b"~") for place in places]
        )


def _highest(ratios: Iterable[float | None]) -> float | None:
    """The largest; None if a canary of some kind did not go."""
    found = list(ratios)
    known = [ratio for ratio in found if ratio is not None]
    return max(known) if len(known) == len(found) else None


def _figures(one: Watched) -> dict[str, Any]:
    """Seconds of the slowest and the middle canary, beside the bound; None if one did not go."""
    times = sorted(one.gone_s.values())
    gone_s = max(times) if times and one.complete else None
    bound_s = one.topic.bound_s
    return {
        "gone_s": None if gone_s is None else round(gone_s, 2),
        "gone_s_median": round(statistics.median(times), 2) if times else None,
        "bound_s": bound_s,
        "gone_over_bound": None if gone_s is None else round(gone_s / bound_s, 3),
        "left": one.living,
    }


def main() -> None:
    """Measure and print; the figures are the last line."""
    ask = argparse.ArgumentParser(prog="python -m bench.topic_physics", description=__doc__)
    ask.add_argument("--json", action="store_true", help="the figures and no words")
    ask.add_argument("--canaries", type=int, default=CANARIES, help="of each kind")
    ask.add_argument("--over-s", type=float, default=PLANTED_OVER_S, help="they are planted")
    ask.add_argument("--write", type=Path, metavar="FILE", help="also write that object here")
    asked = ask.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder,
        LocalBroker(Path(folder), kafka_libs()) as broker,
    ):
        how = (Path(folder) / "kafka", asked.canaries, asked.over_s)
        found = asyncio.run(measure(broker.bootstrap_servers, *how))
    found |= {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),
    }
    if asked.write is not None:
        asked.write.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if not asked.json:
        print("\n".join(_words(found)))
    print(json.dumps(found))


def _words(found: Mapping[str, Any]) -> Iterator[str]:
    for kind, one in found["kinds"].items():
        yield f"{kind}: {one['gone_s']} s of {one['bound_s']} s, median {one['gone_s_median']} s"
    yield (
        f"compacted, without heartbeats: {found['silent_kept']} of {found['canaries']} kept, gone "
        f"{found['silent_gone_s_after_heartbeat']} s after one"
    )


if __name__ == "__main__":
    main()
