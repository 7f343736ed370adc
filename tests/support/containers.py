"""The containers of docker-compose.yml, run by podman one by one, on a base made here.

No registry is asked: the base is a small Debian made by mmdebstrap, kept in ``.cache/containers``
with the layers of the image; containers and volumes end with the test.
"""

import ast
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
STORE: Final = ROOT / ".cache" / "containers"
BASE: Final = "localhost/roadfade-base:bookworm"
IMAGE: Final = "localhost/roadfade:tested"
PORT: Final = COMPOSE["x-environment"]["ROADFADE_METRICS_PORT"]
NEEDED: Final = ("podman", "runc", "mmdebstrap")
PACKAGES: Final = "python3,python3-venv,python3-pip,ca-certificates"
# As `python` and free to be installed into, as an image of Python is.
LIKE_PYTHONS_IMAGE: Final = (
    'ln -s python3 "$1/usr/bin/python"',
    'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
)
CONFIGURATION: Final = """
[containers]
default_ulimits = {limits}
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
COMMAND_S_MAX: Final = 1_800


class Podman:
    """Images of this test's own store; its containers and volumes have a prefix."""

    def __init__(self, prefix: str) -> None:
        STORE.mkdir(parents=True, exist_ok=True)
        told = CONFIGURATION.format(limits=json.dumps(_own_limits()))
        (STORE / "containers.conf").write_text(told)
        self._prefix = prefix
        self._started: list[str] = []

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of podman; its output is text."""
        podman = shutil.which("podman")
        assert podman is not None
        done = subprocess.run(
            [podman, "--root", str(STORE.resolve() / "store"), "--runroot",
             str(STORE.resolve() / "run"), *words],
            capture_output=True, text=True, check=False, timeout=COMMAND_S_MAX,
            env={**os.environ, "CONTAINERS_CONF": str(STORE / "containers.conf")},
        )  # fmt: skip
        assert not check or done.returncode == 0, (
            words,
            done.stdout[-2_000:],
            done.stderr[-4_000:],
        )
        return done

    def build(self, folder: Path) -> None:
        """The image, on a base that is made once."""
        if self.run("image", "exists", BASE, check=False).returncode:
            self._make_base(folder / "base.tar")
        self.run(
            "build", "--pull=never", "--network", "host", "--build-arg", f"BASE={BASE}",
            *_secrets(folder), "--ignorefile", "deploy/Dockerfile.dockerignore",
            "-f", "deploy/Dockerfile", "-t", IMAGE, str(ROOT),
        )  # fmt: skip

    def _make_base(self, tar: Path) -> None:
        hooks = [f"--customize-hook={command}" for command in LIKE_PYTHONS_IMAGE]
        made = subprocess.run(
            ["mmdebstrap", "--variant=apt", f"--include={PACKAGES}", *hooks, "bookworm", str(tar)],
            capture_output=True, text=True, check=False, timeout=COMMAND_S_MAX,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr[-4_000:]
        self.run("import", str(tar), BASE)
        tar.unlink()

    def start(
        self, name: str, environment: Mapping[str, str], *more: str, wait: bool = False
    ) -> None:
        """Start a service as the compose file has it; ``wait`` until it ended well."""
        service = COMPOSE["services"][name]
        words = ["run", "--pull=never", "--network", "host", *self._words(service)]
        for key, value in ({**service["environment"], **environment}).items():
            words += ["--env", f"{key}={value}"]
        mode = () if wait else ("--detach",)
        self._started.append(self._prefix + name)
        self.run(*words, *mode, "--name", self._prefix + name, IMAGE, *service["command"], *more)

    def _words(self, service: Mapping[str, Any]) -> Iterator[str]:
        """What hardens a service, and its volumes."""
        assert service["read_only"]
        yield "--read-only"
        for capability in service["cap_drop"]:
            yield f"--cap-drop={capability}"
        for option in service["security_opt"]:
            # Docker writes a colon before the value and podman knows the word alone.
            yield f"--security-opt={option.removesuffix(':true')}"
        for limit, value in service["ulimits"].items():
            yield f"--ulimit={limit}={value}:{value}"
        # A limit that is named replaces the defaults, and podman's own may be more than ours.
        yield from (f"--ulimit={limit}" for limit in _own_limits())
        for place in service["tmpfs"]:
            yield f"--tmpfs={place}"
        for volume in service.get("volumes", ()):
            yield f"--volume={self._prefix}{volume}"

    def inside(
        self, name: str, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command in a running container."""
        extra = [f"--env={key}={value}" for key, value in (environment or {}).items()]
        return self.run("exec", *extra, self._prefix + name, *words, check=False)

    def json(self, name: str, *words: str) -> dict[str, Any]:
        """What ``roadfade … --json`` answers in a container; empty if it does not."""
        out = self.inside(name, "roadfade", *words, "--json").stdout
        found = json.loads(out) if out.strip().startswith("{") else {}
        assert isinstance(found, dict)
        return found

    def healthy(self, name: str, port: int) -> bool:
        """Whether the health check of the compose file passes, at this port."""
        program, *words = COMPOSE["services"][name]["healthcheck"]["test"][1:]
        asked = [word.replace(PORT, str(port)) for word in words]
        return self.inside(name, program, *asked).returncode == 0

    def signal(self, name: str, signal: str) -> None:
        """Send a signal to a container's process."""
        self.run("kill", "--signal", signal, self._prefix + name)

    def again(self, name: str) -> None:
        """Start a container that ended."""
        self.run("start", self._prefix + name)

    def stop(self, name: str) -> int:
        """End a container politely; its exit code."""
        self.run("stop", "--time", "60", self._prefix + name)
        return int(self.run("inspect", "-f", "{{.State.ExitCode}}", self._prefix + name).stdout)

    def logs(self, name: str) -> str:
        """What a container wrote."""
        done = self.run("logs", self._prefix + name)
        return done.stdout + done.stderr

    def remove_all(self) -> None:
        """Containers and volumes of this test."""
        for name in self._started:
            self.run("rm", "--force", "--volumes", "--time", "1", name, check=False)
        listed = self.run("volume", "ls", "--quiet").stdout.split()
        for volume in (one for one in listed if one.startswith(self._prefix)):
            self.run("volume", "rm", "--force", volume)

    def left(self) -> list[str]:
        """Containers and volumes of this test that are still there."""
        names = self.run("ps", "--all", "--format", "{{.Names}}").stdout.split()
        names += self.run("volume", "ls", "--quiet").stdout.split()
        return [name for name in names if name.startswith(self._prefix)]


def _own_limits() -> list[str]:
    """No more open files and processes than this test may have itself."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    found = {name: min(resource.getrlimit(kind)[1], 4_096) for name, kind in kinds.items()}
    return [f"{name}={most}:{most}" for name, most in found.items() if most > 0]


@contextmanager
def containers(prefix: str, folder: Path) -> Iterator[Podman]:
    """podman with the image built; skips, saying so, if it cannot be used here."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if lacking or os.geteuid() != 0:
        pytest.skip(f"containers need root and {' '.join(NEEDED)}; missing: {lacking or 'root'}")
    podman = Podman(prefix)
    podman.build(folder)
    try:
        yield podman
    finally:
        podman.remove_all()


def _secrets(folder: Path) -> Sequence[str]:
    """How this machine's pip reaches its packages, for the build alone: it stays in no layer."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True, text=True, check=True, timeout=COMMAND_S_MAX,
    ).stdout  # fmt: skip
    options: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        options[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    certificates = options.pop("cert", os.environ.get("SSL_CERT_FILE", ""))
    if "://" not in options.get("find-links", "://"):
        del options["find-links"]
    words = []
    if certificates:
        options["cert"] = "/run/secrets/ca.crt"
        words.append(f"--secret=id=ca.crt,src={certificates}")
    file = folder / "pip.conf"
    file.write_text("[global]\n" + "".join(f"{name} = {v}\n" for name, v in options.items()))
    return [*words, f"--secret=id=pip.conf,src={file}"]
