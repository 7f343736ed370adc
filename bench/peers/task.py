"""What one run of one peer has to do, as a file: topics, records, who agreed, with which keys.

Every peer reads it, in whatever language: JSON with exactly these names. Imports nothing but the
standard library, so that peers in environments of their own can read it, too.
"""

import base64
import hmac
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Purpose:
    """What a record of a purpose has to say about it; ``key`` is that of its pseudonyms, in hex."""

    topic: str
    basis: str
    retain_days: int
    key: str


@dataclass(frozen=True)
class Driver:
    """Who drives a vehicle; ``secret`` is that of the link, in hex."""

    secret: str
    agreed: bool


@dataclass(frozen=True)
class Task:
    """One run. ``source`` and ``target`` are prefixes of topics; ``raw`` is the topic to read."""

    peer: str
    job: str
    bootstrap_servers: str
    source: str
    target: str
    raw: str
    group: str
    records: int
    """Raw records after which the run ends."""
    churn_records: int
    """After so many records one consent changes; 0: none does."""
    policy_version: str
    state_dir: str
    """A folder for whatever the peer keeps on disk."""
    purposes: dict[str, Purpose]
    drivers: dict[str, Driver]

    def write(self, path: Path) -> None:
        """Write the task to a file."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a task that was written."""
        told = json.loads(path.read_text("utf-8"))
        told["purposes"] = {name: Purpose(**one) for name, one in told["purposes"].items()}
        told["drivers"] = {name: Driver(**one) for name, one in told["drivers"].items()}
        return cls(**told)

    def pseudonym(self, purpose: str, device: str) -> str:
        """Who a device is to a purpose."""
        key = bytes.fromhex(self.purposes[purpose].key)
        secret = bytes.fromhex(self.drivers[device].secret)
        mac = hmac.new(key, secret, "sha256").digest()[:16]
        return base64.b32encode(mac).decode().rstrip("=")
