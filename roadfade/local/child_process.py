"""A child process that lives in its own group, logs to a file and dies when we die.

In: a command line. Out: a handle to end it politely or at once. It must never outlive this
process, not even after a kill -9 of ours.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LOG_MAX_BYTES = 8 * 1024 * 1024


class ManagedProcess:
    """One running child. Every method may block; from a coroutine call it in a thread."""

    def __init__(
        self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        """Start ``argv`` with standard output and error appended to ``log``."""
        too_long = log.exists() and log.stat().st_size > LOG_MAX_BYTES
        with log.open("wb" if too_long else "ab") as out:
            self._child = subprocess.Popen(  # noqa: S603  # the caller's own command, no shell
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )
        # Linux could kill the child with its parent (PR_SET_PDEATHSIG), but that binds it to
        # the *thread* that started it. This shell waits for the end of a pipe only we hold.
        self._watcher = subprocess.Popen(  # noqa: S603  # a constant script and a number
            ["/bin/sh", "-c", 'read -r _; kill -KILL "-$0"', str(self._child.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The child's process id, which is its group's id too."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while the child runs."""
        return self._child.poll()

    def stop(self, deadline_s: float) -> int:
        """End the group with SIGTERM, after ``deadline_s`` with SIGKILL; return its exit code.

        Does nothing the second time.
        """
        self._signal(signal.SIGTERM)
        try:
            self._child.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
        return self._reap()

    def wait(self) -> int:
        """Wait for the child's own end; return its exit code."""
        return self._reap()

    def kill(self) -> int:
        """End the group with SIGKILL and wait for its end; return its exit code."""
        self._signal(signal.SIGKILL)
        return self._reap()

    def _signal(self, number: signal.Signals) -> None:
        if self._child.poll() is None:
            os.killpg(self._child.pid, number)

    def _reap(self) -> int:
        code = self._child.wait()
        # The watcher goes first: it must never fire at a number that was given to another.
        self._watcher.kill()
        self._watcher.wait()
        if self._watcher.stdin is not None:
            self._watcher.stdin.close()
        return code
