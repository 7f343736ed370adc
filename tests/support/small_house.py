"""A small policy in several versions, and a broker in memory with its topics: for process modules.

Compiling the small document takes milliseconds, and no broker is started.
"""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from bus.memory.broker import FakeBroker
from roadfade.clock import wall_ms
from roadfade.in_force.broker import bring_about, limits_of, specs_of
from roadfade.in_force.plans import Plans, line_at
from roadfade.settings import Settings
from telemetry.instants import DAY_MS, parse_instant
from telemetry.topics import CONTROL, CONTROL_POLICIES, HEARTBEAT_KEY, is_control
from telemetry.wire.control import Heartbeat, encode_row
from telemetry.wire.publication import Publication, encode_publication
from telemetry.wire.topic_contents import Contents
from tests.support.documents import FILES

NOW_MS: Final = parse_instant("2026-11-22T10:00:00Z")


def version(number: int, starts_ms: int, files: Mapping[str, str] = FILES) -> Publication:
    """The small document under a number, in force from an instant on."""
    numbered = files["policy.yaml"].replace("version: 1\n", f"version: {number}\n")
    published_ms = min(starts_ms, NOW_MS - 30 * DAY_MS)
    texts = {**files, "policy.yaml": numbered}
    return Publication("small", number, starts_ms, published_ms, texts)


def _renamed(files: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    return {name.replace(old, new): text.replace(old, new) for name, text in files.items()}


FIRST: Final = version(1, NOW_MS - 30 * DAY_MS)
"""One purpose, ``study``, for ``team``."""
SURVEY: Final = _renamed(FILES, "study", "survey")
"""The document with another purpose instead: the topic of ``study`` is closed."""
BROKEN: Final = {**FILES, "purposes/study.yaml": "purpose: [\n"}


class Clock:
    """An instant that the test moves."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def settings_in(folder: Path, **more: Any) -> Settings:
    """Settings of a deployment of its own, with the small document as its first."""
    for name, text in FILES.items():
        file = folder / "document" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Settings(
        state_dir=folder / "state", policy=folder / "document", topic_prefix="t.",
        fixed_now_ms=NOW_MS, partitions=2, sink_batch_s=0.01, **{"erase_reserve_mb": 0, "raw_allow_unsealed": True, **more},
    )  # fmt: skip


async def make_topics(
    broker: FakeBroker, settings: Settings, *versions: Publication, now_ms: int = NOW_MS
) -> None:
    """The topics as these versions want them."""
    async with broker.admin() as admin:
        found = await admin.broker_settings()
        limits = limits_of(
            settings, found.retention_check_interval_ms, found.segment_delete_delay_ms
        )
        plans = await asyncio.to_thread(Plans, limits, settings.state_dir)
        line = await asyncio.to_thread(line_at, versions, plans, now_ms)
        configs = line.topic_configs(now_ms)
        await bring_about(admin, specs_of(configs, settings))
    beat(broker, filter(is_erase, configs))


def is_erase(topic: str) -> bool:
    """Whether commands of erasure lie there."""
    return is_control(topic) and topic not in CONTROL


def beat(broker: FakeBroker, topics: Iterable[str], contents: Contents | None = None) -> None:
    """The office's heartbeat, now, on topics of one partition."""
    for topic in topics:
        row = encode_row(Heartbeat(wall_ms(), 0, contents))
        broker.put(topic, HEARTBEAT_KEY, row)


def tell(broker: FakeBroker, versions: Iterable[Publication]) -> None:
    """Publish versions, as the office does."""
    for one in versions:
        broker.put(CONTROL_POLICIES, one.key, encode_publication(one))
