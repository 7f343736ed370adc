"""The wheel with the core inside runs where no Rust is, and says that the core carries."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
COMMAND_S_MAX: Final = 900
RUST: Final = os.pathsep.join(
    [os.environ["PATH"], str(Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "bin")]
)
pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1_500),
    pytest.mark.skipif(shutil.which("cargo", path=RUST) is None, reason="no Rust here to build it"),
]


def run(*words: str | Path, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, words)),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_S_MAX,
    )
    assert done.returncode == 0, (words, done.stdout[-2_000:], done.stderr[-4_000:])
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("core/build.sh", "--wheel", folder / "core", PYTHON=sys.executable)
    (of_core,) = (folder / "core").glob("*-manylinux_*.whl")
    run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ".",
        ROADFADE_CORE_WHEEL=str(of_core),
    )  # fmt: skip
    (made,) = folder.glob("roadfade-*.whl")
    return made


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment with this wheel, and of this test's own nothing but its dependencies."""
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "pip", "install", "-q", "--no-deps", "--no-index", wheel)
    site = run(
        folder / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
    ).strip()
    # A path in a .pth file is looked into after the environment's own, and its .pth files are not read.
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield folder
    shutil.rmtree(folder)


def without_rust(fresh: Path, *words: str) -> str:
    done = subprocess.run(
        [str(fresh / "bin" / words[0]), *words[1:]],
        cwd=fresh,
        env={"PATH": str(fresh / "bin")},
        capture_output=True,
        text=True,
        check=True,
        timeout=COMMAND_S_MAX,
    )
    return done.stdout


def test_it_is_one_wheel_for_every_python_from_3_11_on_a_common_linux(wheel: Path) -> None:
    assert "-cp311-abi3-manylinux_" in wheel.name
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
    (tagged,) = (name for name in names if name.endswith(".dist-info/WHEEL"))
    assert [name for name in names if name.endswith(".so")] == [
        "roadfade_core/roadfade_core.abi3.so"
    ]
    with zipfile.ZipFile(wheel) as files:
        assert "Root-Is-Purelib: false" in files.read(tagged).decode()
    assert [name.rpartition("/")[2] for name in names if "/sboms/" in name] == [
        "roadfade-core.cyclonedx.json"
    ]


def test_the_core_inside_is_the_one_that_is_imported(fresh: Path) -> None:
    found = without_rust(fresh, "python", "-c", "import roadfade_core as c; print(c.__file__)")
    assert Path(found.strip()).is_relative_to(fresh)


def test_it_says_which_path_carries(fresh: Path) -> None:
    assert "the core carries usual envelopes" in without_rust(fresh, "roadfade", "--version")


def test_without_the_core_it_says_that_the_exact_path_does_everything(fresh: Path) -> None:
    hide = "import sys; sys.modules['roadfade_core'] = None; sys.argv[1:] = ['--version']"
    told = without_rust(fresh, "python", "-c", f"{hide}; from roadfade.cli import main; main()")
    assert "the exact path does everything" in told and "not built" in told
