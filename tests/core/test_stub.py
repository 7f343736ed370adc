"""The stub, by which types are checked on every machine, says what the module really has."""

import os
import subprocess
import sys

from tests.docs.pages import REPOSITORY
from tests.support.ready_batches import needs_core

pytestmark = needs_core


def test_the_stub_and_the_module_agree() -> None:
    # The file that holds the module is its own matter: it is imported from its package.
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy.stubtest",
            "roadfade_core",
            "--concise",
            "--ignore-missing-stub",
        ],
        cwd=REPOSITORY,
        env={**os.environ, "MYPYPATH": "core"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
