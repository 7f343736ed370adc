"""A Prometheus on this machine, if one is installed, that watches the given processes.

In: addresses of metrics pages and the alert rules. Out: a handle and its address, or the reason
why there is none. It is a convenience: its absence stops nothing.
"""

import http
import http.client
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadfade.local.child_process import ManagedProcess
from roadfade.local.java import CACHE
from roadfade.local.ports import free_port

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules.yml"
PORT = 9090
START_DEADLINE_S = 15.0
STOP_DEADLINE_S = 5.0
RETENTION = "6h"
ABSENT = (
    "Prometheus is not installed, so the metrics pages are not monitored"
    " (Debian: apt-get install prometheus)."
)


@dataclass(frozen=True)
class LocalPrometheus:
    """A running Prometheus. ``stop`` blocks for some seconds at most and may be called twice."""

    url: str
    process: ManagedProcess

    def stop(self) -> None:
        """End it, politely first."""
        self.process.stop(STOP_DEADLINE_S)


def start_prometheus(
    data_dir: Path, targets: Sequence[str], *, rules: Path = RULES, cache: Path = CACHE
) -> LocalPrometheus | str:
    """Start Prometheus over ``targets`` (``host:port``), or say in a sentence why there is none.

    Blocks until it is ready, at most ``START_DEADLINE_S``. Its data stays under ``data_dir``.
    """
    program = find_program("prometheus", cache)
    if program is None:
        return ABSENT
    if not rules.exists():
        return f"The alert rules are missing, so Prometheus was not started: {rules}."
    data_dir.mkdir(parents=True, exist_ok=True)
    config, log = data_dir / "prometheus.yml", data_dir / "prometheus.log"
    config.write_text(configuration(targets, rules))
    address = f"127.0.0.1:{free_port(PORT)}"
    process = ManagedProcess(
        [
            str(program),
            f"--config.file={config}",
            f"--storage.tsdb.path={data_dir / 'series'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={address}",
            "--log.level=warn",
        ],
        log,
    )
    deadline = time.monotonic() + START_DEADLINE_S
    while not _is_ready(address):
        if process.exit_code is not None or time.monotonic() > deadline:
            process.kill()
            return f"Prometheus did not start, so the metrics pages are not monitored: see {log}."
        time.sleep(0.05)
    return LocalPrometheus(f"http://{address}", process)


def find_program(name: str, cache: Path = CACHE) -> Path | None:
    """Return where ``prometheus`` or ``promtool`` is: installed, else unpacked for the tests."""
    installed = shutil.which(name)
    unpacked = cache / "prometheus" / "usr" / "bin" / name
    if installed is not None:
        return Path(installed)
    return unpacked if unpacked.exists() else None


def configuration(targets: Sequence[str], rules: Path) -> str:
    """Return the configuration file's text (JSON, which is YAML)."""
    return json.dumps(
        {
            "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {"job_name": "roadfade", "static_configs": [{"targets": list(targets)}]}
            ],
        },
        indent=2,
    )


def _is_ready(address: str) -> bool:
    # Not urllib: a proxy of the environment must not come between us and our own child.
    link = http.client.HTTPConnection(address, timeout=1)
    try:
        link.request("GET", "/-/ready")
        return link.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()
