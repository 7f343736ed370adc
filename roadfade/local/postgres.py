"""A PostgreSQL of our own on this machine, if its programs are installed.

In: a folder. Out: a handle and how to reach it, or the reason why there is none. Its settings leave
nothing of a row behind: no log file is kept for another use, and no message quotes a value.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from roadfade.local.child_process import ManagedProcess
from roadfade.local.ports import free_port

TRIES_MAX: Final = 3
"""Ports that are tried: one is only looked at before, not held."""
USER: Final = "roadfade"
DATABASE: Final = "postgres"
START_DEADLINE_S: Final = 30.0
STOP_DEADLINE_S: Final = 10.0
ABSENT: Final = "PostgreSQL is not installed (Debian: apt-get install postgresql)."
SETTINGS: Final[Mapping[str, str]] = {
    # What is deleted must not stay in the log: a file that is done with is removed, not renamed.
    "wal_recycle": "off",
    "wal_init_zero": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "archive_mode": "off",
    "checkpoint_timeout": "60s",
    # No message of the server's quotes a value.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    # A query that no partition can be left out of locks them all.
    "max_locks_per_transaction": "1024",
    "max_connections": "40",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
}
"""What our own instance sets; others that keep a store should, too."""


@dataclass
class LocalPostgres:
    """A running PostgreSQL. ``stop`` blocks for some seconds at most and may be called twice."""

    dsn: str = field(repr=False)
    data: Path
    process: ManagedProcess

    def stop(self) -> None:
        """End it; sessions that are open are ended with it."""
        if self.process.exit_code is None:
            os.kill(self.process.pid, signal.SIGINT)  # at SIGTERM it would wait for sessions
        self.process.stop(STOP_DEADLINE_S)


def start_postgres(folder: Path, settings: Mapping[str, str] = SETTINGS) -> LocalPostgres | str:
    """Start PostgreSQL in this folder, which it makes, or say in a sentence why there is none.

    Blocks until it answers, at most ``START_DEADLINE_S``. As root, it runs as another user, who
    must be able to reach the folder.
    """
    programs = find_programs()
    if programs is None:
        return ABSENT
    as_user = _user()
    if isinstance(as_user, str):
        return as_user
    try:
        password = _made(folder, programs, as_user)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"PostgreSQL could not be set up in {folder}: {type(error).__name__}."
    for _ in range(TRIES_MAX):
        server = _started(folder, programs, as_user, settings, password)
        if server is not None:
            return server
    return f"PostgreSQL did not start: see {folder / 'postgres.log'}."


def _started(
    folder: Path, programs: Path, user: "_User", settings: Mapping[str, str], password: str
) -> LocalPostgres | None:
    """The server once it answers; None if it ended, as it does if its port was taken meanwhile."""
    port = free_port()
    options = {
        **settings,
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    argv = [*user.words, str(programs / "postgres"), "-D", str(folder / "data"), *words]
    process = ManagedProcess(argv, folder / "postgres.log")
    deadline = time.monotonic() + START_DEADLINE_S
    while not _answers(programs, port):
        if process.exit_code is not None or time.monotonic() > deadline:
            process.kill()
            return None
        time.sleep(0.05)
    dsn = f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"
    return LocalPostgres(dsn, folder / "data", process)


def find_programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``: Debian's newest, else what the path names."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: one.parts[-3]
    )
    if installed:
        return installed[-1].parent
    found = shutil.which("postgres")
    return None if found is None else Path(found).resolve().parent


@dataclass(frozen=True)
class _User:
    """Who the server runs as; the words that make a command theirs."""

    uid: int
    gid: int
    words: list[str]


def _user() -> _User | str:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return _User(os.getuid(), os.getgid(), [])
    try:
        found = pwd.getpwnam("postgres")
    except KeyError:
        return "PostgreSQL does not run as root, and there is no user named postgres."
    become = shutil.which("setpriv")
    if become is None:
        return "PostgreSQL does not run as root, and setpriv is not installed."
    ids = [f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]
    return _User(found.pw_uid, found.pw_gid, [become, *ids])


def _made(folder: Path, programs: Path, user: _User) -> str:
    """The password of the data in a folder, made at the first start."""
    secret = folder / "password"
    if (folder / "data" / "PG_VERSION").exists():
        return secret.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, user.uid, user.gid)
    password = secrets.token_urlsafe(24)
    secret.touch(mode=0o600)
    secret.write_text(password)
    os.chown(secret, user.uid, user.gid)
    subprocess.run(  # noqa: S603  # our own words
        [
            *user.words,
            str(programs / "initdb"),
            f"--pgdata={folder / 'data'}",
            f"--username={USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ],
        check=True,
        capture_output=True,
        cwd="/",
    )
    return password


def _answers(programs: Path, port: int) -> bool:
    asked = [str(programs / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
    return subprocess.run(asked, check=False).returncode == 0  # noqa: S603  # our own words
