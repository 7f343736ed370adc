"""The set-up on machines that lack something, simulated in a folder of stubs."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "cat", "dirname", "grep", "mkdir", "mv", "rm", "sha256sum")


class Machine:
    """A checkout and a PATH with nothing on it but what the test puts there."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.bin = folder / "tree", folder / "bin"
        for part in ("deploy/install.sh", "core", "requirements", "pyproject.toml"):
            source, target = ROOT / part, self.tree / part
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        (self.tree / "deploy" / "kafka").mkdir()
        digest = hashlib.sha256(b"jar").hexdigest()
        (self.tree / "deploy/kafka/jars.sha256").write_text(f"{digest}  kafka.jar\n")
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        self.command("id", "echo 1000")

    def command(self, name: str, script: str) -> None:
        """Put a stub on the PATH."""
        (self.bin / name).write_text(f"#!/bin/bash\n{script}\n")
        (self.bin / name).chmod(0o755)

    def has_python(self) -> None:
        """The Python part was done, for this very lock; its Java is found."""
        python = self.tree / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/bash\nexit 0\n")
        python.chmod(0o755)
        parts = ("requirements/dev.lock", "requirements/build.lock", "pyproject.toml")
        text = b"".join((self.tree / part).read_bytes() for part in parts)
        stamp = f"{hashlib.sha256(text).hexdigest()}  -\n"
        (self.tree / ".venv" / ".roadfade-installed").write_text(stamp)

    def has_jars(self, content: bytes = b"jar") -> None:
        """The broker's jars lie in the cache."""
        libs = self.tree / ".cache" / "kafka-4.3.1" / "libs"
        libs.mkdir(parents=True)
        (libs / "kafka.jar").write_bytes(content)

    def has_core(self) -> None:
        """Rust is here, and the core was built."""
        self.command("cargo", "exit 0")
        self.building("exit 0")
        self.install("core")

    def building(self, script: str) -> None:
        """Take this for what builds the core."""
        build = self.tree / "core" / "build.sh"
        build.write_text(f'#!/bin/bash\necho "$@" >>built\n{script}\n')
        build.chmod(0o755)

    def built(self) -> int:
        """How often the core was built, or tried to be."""
        told = self.tree / "built"
        return len(told.read_text().splitlines()) if told.exists() else 0

    def install(self, part: str = "run", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script there."""
        return subprocess.run(
            [str(self.bin / "bash"), "deploy/install.sh", part],
            cwd=self.tree,
            env={"PATH": str(self.bin), **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_second_time_nothing_is_done(machine: Machine) -> None:
    machine.has_python()
    machine.has_jars()
    machine.has_core()
    done = machine.install()
    assert (done.returncode, done.stdout) == (0, "install: everything is installed\n"), done.stderr


def test_without_maven_it_says_what_to_install(machine: Machine) -> None:
    machine.has_python()
    done = machine.install()
    assert done.returncode == 1
    assert re.search(r"needs Maven .*apt-get install maven.*KAFKA_BOOTSTRAP_SERVERS", done.stderr)


def test_a_broker_of_ones_own_needs_no_maven(machine: Machine) -> None:
    machine.has_python()
    done = machine.install(KAFKA_BOOTSTRAP_SERVERS="broker:9092")
    assert done.returncode == 0, done.stderr


def test_the_tests_need_their_own_broker_all_the_same(machine: Machine) -> None:
    machine.has_python()
    done = machine.install("tests", KAFKA_BOOTSTRAP_SERVERS="broker:9092")
    assert "needs Maven" in done.stderr
    machine.command("promtool", "")
    assert machine.install("tests", ROADFADE_TESTS_WITHOUT_BROKER="1").returncode == 0


def test_jars_that_differ_from_those_we_know_are_not_run(machine: Machine) -> None:
    machine.has_python()
    machine.has_core()
    machine.has_jars(b"other")
    machine.command("mvn", 'mkdir -p .cache/kafka-4.3.1/libs.new; echo jam > "$_/kafka.jar"')
    done = machine.install()
    assert done.returncode == 1
    assert "differ from deploy/kafka/jars.sha256" in done.stderr
    machine.command("mvn", 'mkdir -p .cache/kafka-4.3.1/libs.new; printf jar > "$_/kafka.jar"')
    assert machine.install().stdout.endswith("install: done\n")
    assert machine.install().stdout == "install: everything is installed\n"


def test_a_changed_lock_is_installed_again(machine: Machine) -> None:
    machine.has_python()
    machine.has_jars()
    with (machine.tree / "requirements" / "dev.lock").open("a") as lock:
        lock.write("# changed\n")
    assert "Python dependencies into .venv" in machine.install().stdout


def test_without_rust_it_says_once_what_to_install_and_goes_on(machine: Machine) -> None:
    machine.has_python()
    machine.has_jars()
    machine.building("exit 0")
    first, second = machine.install(), machine.install()
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert re.search(r"without Rust .* exact path .*cargo-web rustc-web", first.stdout)
    assert second.stdout == "install: everything is installed\n"
    assert machine.built() == 0
    machine.command("cargo", "exit 0")
    assert "building the core" in machine.install().stdout
    assert machine.built() == 1


def test_a_core_that_cannot_be_built_stops_nothing_and_is_not_tried_each_time(
    machine: Machine,
) -> None:
    machine.has_python()
    machine.has_jars()
    machine.command("cargo", "exit 0")
    machine.building("echo no registry here >&2; exit 1")
    first, second = machine.install(), machine.install()
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "could not be built" in first.stdout and "make core" in first.stdout
    assert "no registry here" in (machine.tree / ".cache" / "core.log").read_text()
    assert second.stdout == "install: everything is installed\n"
    assert machine.built() == 1
    machine.install("core")
    assert machine.built() == 2


def test_the_core_is_built_again_when_its_sources_changed(machine: Machine) -> None:
    machine.has_python()
    machine.has_core()
    machine.install("core")
    assert machine.built() == 1
    with (machine.tree / "core/src/lib.rs").open("a") as source:
        source.write("// changed\n")
    machine.install("core")
    assert machine.built() == 2


@pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="Debian's packages, on Debian")
def test_as_root_debians_own_rust_is_installed(machine: Machine) -> None:
    machine.has_python()
    machine.building("exit 0")
    machine.command("id", "echo 0")
    stub = (
        f"printf '#!/bin/bash' >{machine.bin}/cargo; {shutil.which('chmod')} +x {machine.bin}/cargo"
    )
    machine.command("apt-get", f'case "$*" in *"cargo-web rustc-web") {stub} ;; esac')
    done = machine.install("core")
    assert (done.returncode, machine.built()) == (0, 1), done.stdout
    machine.command("apt-get", "exit 1")
    (machine.bin / "cargo").unlink()
    (machine.tree / ".venv" / ".roadfade-core").unlink()
    done = machine.install("core")
    assert (done.returncode, machine.built()) == (0, 1)
    assert "without Rust" in done.stdout


def test_without_promtool_the_tests_say_what_to_install(machine: Machine) -> None:
    machine.has_python()
    done = machine.install("tests", ROADFADE_TESTS_WITHOUT_BROKER="1")
    assert done.returncode == 1
    assert "install Prometheus" in done.stderr


def test_make_lists_every_target() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    assert [line.split()[0] for line in listed.stdout.splitlines()] == targets[1].split()


def test_a_submission_runs_the_checks_the_whole_suite_and_its_faults() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    ran = re.findall(r"^make ([a-z-]+)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert ran == ["lint", "test", "test-faults"]
