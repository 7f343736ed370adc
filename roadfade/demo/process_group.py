"""The processes of a local run: started together, watched, ended in the order of the flow."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, SecretStr

from roadfade.local.child_process import ManagedProcess
from roadfade.local.prometheus import LocalPrometheus, start_prometheus
from roadfade.refusal import NotReady
from roadfade.settings import Settings

PROCESS_ROLES = ("office", "sink", "sweep", "worker")
GATEWAY = "gateway"
GATEWAY_TOO = (*PROCESS_ROLES, GATEWAY)
STOP_ORDER = (GATEWAY, "worker", "sink", "sweep", "office")
"""The source's side first."""
STOP_S_MAX = 30.0
START_S_MAX = 60.0
WORKER = "worker-0"
NONE_OF_THEIR_OWN: Final = MappingProxyType[str, Settings]({})


def own_environment(settings: BaseModel) -> dict[str, str]:
    """The variables that give another process these settings, but for secrets."""
    secret = {name for name, value in settings if isinstance(value, SecretStr)}
    named = settings.model_dump(mode="json", exclude_unset=True, exclude=secret)
    named.pop("kafka_bootstrap_servers", None)
    found = {
        f"ROADFADE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in named.items()
        if value is not None
    }
    return found | {
        "KAFKA_BOOTSTRAP_SERVERS": str(settings.model_dump()["kafka_bootstrap_servers"])
    }


def child_environment(settings: BaseModel) -> dict[str, str]:
    """The environment of a child: ours, with the settings it must share with us."""
    environment = os.environ | own_environment(settings) | _secrets_of(settings)
    environment.pop("ROADFADE_KAFKA_BOOTSTRAP_SERVERS", None)
    if getattr(settings, "kafka_password", None) is not None:
        # Ours may name a file; a child has one password, and that is its own.
        environment.pop("ROADFADE_KAFKA_PASSWORD_FILE", None)
    return environment


def _secrets_of(settings: BaseModel) -> dict[str, str]:
    """What no file may hold: whoever joins in has to have it."""
    return {
        f"ROADFADE_{name.upper()}": value.get_secret_value()
        for name, value in settings
        if isinstance(value, SecretStr)
    }


def write_environment(settings: BaseModel, file: Path) -> None:
    """Write the settings for a shell: who sources the file joins in from another terminal."""
    variables = own_environment(settings).items()
    file.write_text("".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables))


class ProcessGroup:
    """One of each process. Every method blocks.

    ``stopping`` says whether whoever started it wants it no more: then it waits for no start.
    ``own``: settings of one process, by role; ``joining``: of those who join in.
    """

    def __init__(
        self,
        settings: Settings,
        stopping: Callable[[], bool] = lambda: False,
        *,
        own: Mapping[str, Settings] = NONE_OF_THEIR_OWN,
        joining: Settings | None = None,
        roles: Sequence[str] = PROCESS_ROLES,
    ) -> None:
        self.roles = roles
        self._settings = settings
        self._own = own
        self._joining = joining or settings
        self._stopping = stopping
        self._children: dict[str, ManagedProcess] = {}
        self.prometheus: LocalPrometheus | str = ""

    @property
    def logs(self) -> Path:
        """Where the processes log."""
        return self._settings.state_dir / "logs"

    @property
    def environment_file(self) -> Path:
        """What a shell sources to work on this run with other commands."""
        return self._settings.state_dir / "env"

    def start(self) -> None:
        """Start every process and wait until each serves its metrics, or it is wanted no more."""
        self.logs.mkdir(parents=True, exist_ok=True)
        write_environment(self._joining, self.environment_file)
        for role in self.roles:
            environment = child_environment(self._own.get(role, self._settings))
            argv = [sys.executable, "-m", "roadfade", role]
            self._children[role] = ManagedProcess(argv, self.logs / f"{role}.log", environment)
        deadline = time.monotonic() + START_S_MAX
        while len(self.metrics_pages()) < len(self.roles):
            if self._stopping():
                return
            self.check()
            if time.monotonic() > deadline:
                msg = f"the processes did not start in time: see {self.logs}"
                raise NotReady(msg)
            time.sleep(0.1)
        self.prometheus = start_prometheus(
            self._settings.state_dir / "prometheus", list(self.metrics_pages().values())
        )

    def metrics_pages(self) -> dict[str, str]:
        """host:port of every /metrics by process."""
        folder = self._settings.ports_dir
        found = sorted(folder.iterdir()) if folder.exists() else []
        return {file.name: file.read_text() for file in found}

    def check(self) -> None:
        """NotReady, naming the log, if a process has ended by itself."""
        for role, child in self._children.items():
            if child.exit_code is not None:
                msg = f"{role} ended with exit code {child.exit_code}: see {self.logs / role}.log"
                raise NotReady(msg)

    def stop(self, role: str) -> None:
        """End one process; does nothing if it was not started."""
        if role in self._children:
            self._children[role].stop(STOP_S_MAX)

    def close(self) -> None:
        """End what only watches, and take away the file that lets others join in."""
        if isinstance(self.prometheus, LocalPrometheus):
            self.prometheus.stop()
        self.environment_file.unlink(missing_ok=True)
