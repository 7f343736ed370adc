"""What every process does as it starts, and says as another version of the policy takes over."""

import logging
from contextlib import suppress
from typing import Final

from roadfade import __version__, metrics
from roadfade.backup.drill_folder import remove_left
from roadfade.logs.events import Event, tell
from roadfade.logs.process_log import Named
from roadfade.process_pages import serve_pages
from roadfade.readiness import readiness
from roadfade.refusal import NotReady
from roadfade.settings import Settings

NONE: Final = ""
logger = logging.getLogger(__name__)


class _Said:
    """What this process said last."""

    policy_version = NONE


def begin(settings: Settings, named: Named, role: str, instance: str) -> None:
    """Serve the process's pages, and say that it started; what a killed drill left goes first.

    The port taken is written to the file of its instance's name in the state folder. NotReady
    beside a restore.
    """
    require_no_restore(settings)
    with suppress(OSError):  # every sweep tries again, and says what is wrong
        remove_left(settings.state_dir)
    readiness.need(role)
    metrics.ROLE.labels(role).set(1)
    _Said.policy_version = NONE
    metrics.tell_build(__version__, NONE)
    server = serve_pages(settings.metrics_host, settings.metrics_port, readiness)
    address = f"{settings.metrics_host}:{server.server_port}"
    settings.ports_dir.mkdir(parents=True, exist_ok=True)
    (settings.ports_dir / instance).write_text(address)
    named.start(instance, version=__version__, pages=address)


def require_no_restore(settings: Settings) -> None:
    """NotReady while a restore has not put everything in its place."""
    if settings.restoring_dir.exists():
        msg = (
            f"a restore into {settings.state_dir} was cut, or is at work: run the same `roadfade "
            "restore` again, which goes on with it"
        )
        raise NotReady(msg)


def tell_in_force(policy_version: str) -> None:
    """Log and export the version that this process applies now, if it is another than before."""
    if policy_version != _Said.policy_version:
        _Said.policy_version = policy_version
        metrics.tell_build(__version__, policy_version)
        tell(logger, Event.IN_FORCE, policy_version=policy_version)
