"""The register of copies: what may lie on the broker, in the state folder, in the lake. Data.

A copy that no line here names is found by nobody: no bound ends it, no erasure reaches it. So
whoever makes a new one names it here, with what ends it. Names are exact: a copy of a database
under another name is none of these.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from policy.artefacts.topics import topic_configs
from policy.plan.plan import Plan
from telemetry.topics import GROUPS


class Registered(NamedTuple):
    """Files of one kind. ``names``: their whole path below the state folder, as a pattern."""

    kind: str
    names: re.Pattern[str]
    ends: str
    """What ends what is in them."""


def _files(kind: str, names: str, ends: str) -> Registered:
    return Registered(kind, re.compile(names, re.ASCII), ends)


_BESIDE: Final = r"\.sqlite(-wal|-shm|-journal|\.opening)?"
LAKE: Final = "lake"
"""The folder that the store checks itself."""
DEMO: Final = "run/"
"""An installation of its own within the folder: its files have the names of any."""

FILES: Final = (
    _files("office", rf"office({_BESIDE}|\.publisher)", "erasure, and the ends of links"),
    _files("keyring", rf"keyring{_BESIDE}", "the end of each epoch's last record"),
    _files("raw keys", rf"raw-keys{_BESIDE}", "each key's period, and the promise of raw data"),
    _files("memory of what was removed", rf"suppressions{_BESIDE}", "its weeks, each in its time"),
    _files("evidence of consents", rf"consent_evidence{_BESIDE}", "the day of each row"),
    _files(
        "restore",
        r"_(restoring|restored|rebuilding|drill)/.+",
        "the restore, the rebuild, or the drill, itself",
    ),
    _files("key of keys", r"(raw-)?kek(\.next)?", "every destruction of a key"),
    _files("key of receipts", r"receipt-key(\.[0-9a-f]{16})?", "nothing: it names nobody"),
    _files(
        "key of collection lists",
        r"collection-keys(\.[0-9a-f]{16})?",
        "nothing: it names nobody",
    ),
    _files(
        "heads of receipts",
        r"receipt_heads/\d{4}-\d\d-\d\d\.json(\.[0-9a-f]{16})?",
        "nothing: they name nobody",
    ),
    _files(
        "authority for devices",
        r"device-ca/ca\.(pem|key)(\.[0-9a-f]{16})?",
        "nothing: it names nobody",
    ),
    _files(
        "revoked certificates",
        r"device-crl\.pem(\.[0-9a-f]{16}|\.lock)?",
        "nothing: it names nobody",
    ),
    _files("routing key", r"routing-key(\.\d+)?", "nothing: it names nobody"),
    _files("held copies", r"holds/[A-Z2-7]{26}/[0-9a-f]{32}\.(held|part)", "release of the hold"),
    _files("ledger", rf"ledger{_BESIDE}", "nothing: it holds counts"),
    _files("ledger", r"ledger\.sqlite\.unaccounted-[0-9a-f]{32}", "the ledger takes it in"),
    _files(
        "marks",
        r"raw-partitions(\.\d+)?|sweep_clock|env|last-drill\.json",
        "nothing: they name nobody",
    ),
    _files("marks", r"sink-topic-rewound|sink-(rewound|adopts)/[\w.-]+", "adoption of the topic"),
    _files("member slots", r"(slots|locks)/[a-z0-9-]+\.slot", "nothing: they are empty"),
    _files("ports", r"ports/[a-z0-9-]+", "nothing: they hold addresses"),
    _files("policy texts", r"cache/(parsed|tmp\w+)", "nothing: they name nobody"),
    _files("logs", r"logs/[a-z]+\.log", "whoever runs the processes: they name nobody"),
    _files("figures", r"prometheus/(prometheus\.(yml|log)|series/.+)", "6 hours"),
)
"""Of an installation that keeps all in one folder."""
DEMO_FILES: Final = (_files("broker of a demonstration", r"kafka/.+", "the next demonstration"),)


def kind_of(path: str) -> str | None:
    """Of what kind a file is, by its path below the state folder; None: no line names it."""
    demo = path.startswith(DEMO)
    lines = (*DEMO_FILES, *FILES) if demo else FILES
    own = path.removeprefix(DEMO)
    return next((one.kind for one in lines if one.names.fullmatch(own)), None)


def topics_of(plans: Iterable[Plan]) -> frozenset[str]:
    """Every topic that a version on record has."""
    return frozenset(name for plan in plans for name in topic_configs(plan))


def groups() -> frozenset[str]:
    """Every group that reads for us."""
    return frozenset(GROUPS)
