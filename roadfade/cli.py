"""The command line: every command by its words; its module is imported when it is called."""

import os
import sys
from typing import Final

from roadfade.deferred import app_of

POLICY: Final = {
    "check": "roadfade.policy_commands:check",
    "test": "roadfade.policy_commands:run_beside",
    "explain": "roadfade.policy_commands:explain_command",
    "diff": "roadfade.policy_tools:diff_command",
    "dry-run": "roadfade.policy_tools:dry_run_command",
    "publish": "roadfade.policy_publish:publish_command",
    "topics": "roadfade.policy_made:topics",
    "ttls": "roadfade.policy_made:ttls",
    "acls": "roadfade.policy_made:acls_command",
    "asyncapi": "roadfade.policy_made:asyncapi_command",
    "contracts": "roadfade.policy_made:contracts_command",
    "notice": "roadfade.policy_pages:notice",
    "record": "roadfade.policy_pages:record",
    "coverage": "roadfade.policy_pages:coverage_command",
    "generate": "roadfade.policy_pages:generate",
}
DEVICE: Final = {
    "register": "roadfade.office_commands:register_device",
}
CONSENT: Final = {
    "grant": "roadfade.office_commands:grant",
    "withdraw": "roadfade.office_commands:withdraw",
}
TOPICS: Final = {
    "apply": "roadfade.process_commands:topics_apply",
    "show": "roadfade.process_commands:topics_show",
}
COMMANDS: Final = {
    "register": "roadfade.office_commands:register",
    "unregister": "roadfade.office_commands:unregister",
    "replay": "roadfade.commands:replay",
    "obd": "roadfade.commands:obd",
    "publish": "roadfade.commands:publish",
    "simulate": "roadfade.commands:simulate",
    "signals": "roadfade.commands:signals",
    "query": "roadfade.commands:query",
    "status": "roadfade.commands:status",
    "worker": "roadfade.process_commands:worker",
    "sink": "roadfade.process_commands:sink",
    "sweep": "roadfade.process_commands:sweep",
    "office": "roadfade.process_commands:office",
    "run": "roadfade.process_commands:run",
}

app = app_of(
    "Minimises and retains connected-vehicle telemetry: a privacy policy as running code.",
    COMMANDS,
    name="roadfade",
    completes=True,
)
policy_app = app_of("Ask the policy document.", POLICY)
app.add_typer(policy_app, name="policy")
app.add_typer(app_of("Dongles known to us.", DEVICE), name="device")
app.add_typer(app_of("Consents, given and withdrawn.", CONSENT), name="consent")
app.add_typer(app_of("Kafka topics, as the policy says.", TOPICS), name="topics")


def main() -> None:
    """The entry point of the ``roadfade`` command."""
    # Core dumps would hold keys and readings.
    import resource  # noqa: PLC0415  # not on every platform

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What this house writes is for its own user alone: a lake file goes round every --purpose.
    os.umask(0o077)
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
