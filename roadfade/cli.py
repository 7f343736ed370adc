"""The command line: every command by its words; its module is imported when it is called."""

import os
import sys
from typing import Final

from roadfade import __version__
from roadfade.terminal.deferred import app_of

POLICY_COMMANDS: Final = {
    "check": "roadfade.commands.policy.ask:check",
    "test": "roadfade.commands.policy.ask:run_beside",
    "explain": "roadfade.commands.policy.ask:explain_command",
    "diff": "roadfade.commands.policy.compare:diff_command",
    "dry-run": "roadfade.commands.policy.compare:dry_run_command",
    "publish": "roadfade.commands.policy.publish:publish_command",
    "topics": "roadfade.commands.policy.artefacts:topics",
    "ttls": "roadfade.commands.policy.artefacts:ttls",
    "acls": "roadfade.commands.policy.artefacts:acls_command",
    "asyncapi": "roadfade.commands.policy.artefacts:asyncapi_command",
    "contracts": "roadfade.commands.policy.artefacts:contracts_command",
    "notice": "roadfade.commands.policy.pages:notice",
    "page": "roadfade.commands.policy.pages:purpose_command",
    "record": "roadfade.commands.policy.pages:record",
    "coverage": "roadfade.commands.policy.pages:coverage_command",
    "generate": "roadfade.commands.policy.pages:generate",
}
DEVICE_COMMANDS: Final = {
    "register": "roadfade.commands.office:register_device",
    "list": "roadfade.commands.office_lists:list_devices",
    "show": "roadfade.commands.office_lists:show_device",
    "enrol": "roadfade.commands.device:enrol",
    "pair": "roadfade.commands.device:pair",
    "unpair": "roadfade.commands.device:unpair",
    "retire": "roadfade.commands.device:retire",
    "revoke": "roadfade.commands.device:revoke",
    "certificates": "roadfade.commands.device:certificates",
}
DEVICE_CA_COMMANDS: Final = {
    "init": "roadfade.commands.device_ca:init",
    "server-certificate": "roadfade.commands.device_ca:server_certificate",
}
LINK_COMMANDS: Final = {
    "list": "roadfade.commands.office_lists:list_links",
}
CONSENT_COMMANDS: Final = {
    "list": "roadfade.commands.office_lists:list_consents",
    "grant": "roadfade.commands.office:grant",
    "withdraw": "roadfade.commands.office:withdraw",
}
EVIDENCE_COMMANDS: Final = {
    "list": "roadfade.commands.consent_evidence:list_evidence",
    "verify": "roadfade.commands.consent_evidence:verify",
}
PERSON_COMMANDS: Final = {
    "show": "roadfade.commands.person:show",
    "export": "roadfade.commands.person:export",
    "erase": "roadfade.commands.person:erase",
    "correct": "roadfade.commands.person:correct",
    "requests": "roadfade.commands.person:requests",
    "notified": "roadfade.commands.person:notified",
    "stop": "roadfade.commands.person:stop",
    "resume": "roadfade.commands.person:resume",
}
EVENT_COMMANDS: Final = {
    "record": "roadfade.commands.event:record",
    "list": "roadfade.commands.event:list_events",
    "publish": "roadfade.commands.event_publish:publish",
    "take-back": "roadfade.commands.event:take_back",
}
HOLD_COMMANDS: Final = {
    "place": "roadfade.commands.hold:place",
    "list": "roadfade.commands.hold:list_all",
    "show": "roadfade.commands.hold:show",
    "review": "roadfade.commands.hold:review",
    "release": "roadfade.commands.hold:release",
    "open": "roadfade.commands.hold:open_hold",
}
COLLECT_COMMANDS: Final = {
    "show": "roadfade.commands.collect:show",
    "verify": "roadfade.commands.collect:verify",
    "keys": "roadfade.commands.collect:keys_command",
    "rotate-key": "roadfade.commands.collect:rotate_key",
}
ENVELOPE_COMMANDS: Final = {
    "schema": "roadfade.commands.vehicles.envelope_schema:schema",
}
OFFICE_COMMANDS: Final = {
    "init": "roadfade.commands.office:init",
    "republish": "roadfade.commands.office:republish",
    "rebuild": "roadfade.commands.office_rebuild:rebuild",
    "stores": "roadfade.commands.office_stores:list_stores",
    "retire-store": "roadfade.commands.office_stores:retire",
}
TOPIC_COMMANDS: Final = {
    "apply": "roadfade.commands.processes:topics_apply",
    "show": "roadfade.commands.processes:topics_show",
    "force-end": "roadfade.commands.force_end:force_end",
}
LAKE_COMMANDS: Final = {
    "check": "roadfade.commands.lake:check",
    "migrate": "roadfade.commands.lake_migrate:migrate",
    "adopt": "roadfade.commands.adopt:adopt",
}
BACKUP_COMMANDS: Final = {
    "create": "roadfade.commands.backup:create",
    "list": "roadfade.commands.backup:list_backups",
    "verify": "roadfade.commands.backup:verify",
    "expire": "roadfade.commands.backup:expire",
}
AUDIT_COMMANDS: Final = {
    "reconcile": "roadfade.commands.audit:reconcile",
    "copies": "roadfade.commands.audit:copies",
}
RECEIPT_COMMANDS: Final = {
    "list": "roadfade.commands.receipts:list_receipts",
    "verify": "roadfade.commands.receipts:verify",
    "export": "roadfade.commands.receipts:export",
    "head": "roadfade.commands.receipts:head",
    "heads": "roadfade.commands.receipts:heads",
    "certificate": "roadfade.commands.certificate:certificate",
}
CONFIG_COMMANDS: Final = {
    "show": "roadfade.commands.config:show",
}
COMMANDS: Final = {
    "register": "roadfade.commands.office:register",
    "unregister": "roadfade.commands.office:unregister",
    "replay": "roadfade.commands.vehicles.drives:replay",
    "obd": "roadfade.commands.vehicles.drives:obd",
    "publish": "roadfade.commands.vehicles.drives:publish",
    "simulate": "roadfade.commands.vehicles.drives:simulate",
    "signals": "roadfade.commands.vehicles.drives:signals",
    "query": "roadfade.commands.vehicles.drives:query",
    "status": "roadfade.commands.vehicles.drives:status",
    "worker": "roadfade.commands.processes:worker",
    "sink": "roadfade.commands.processes:sink",
    "sweep": "roadfade.commands.processes:sweep",
    "gateway": "roadfade.commands.processes:gateway",
    "run": "roadfade.commands.processes:run",
    "restore": "roadfade.commands.restore:restore_command",
}


def _version() -> str:
    from roadfade.which_path import version_and_path  # noqa: PLC0415  # for this answer alone

    return version_and_path(__version__)


app = app_of(
    "Minimises and retains connected-vehicle telemetry: a privacy policy as running code.",
    COMMANDS,
    name="roadfade",
    completes=True,
    version=_version,
)
policy_app = app_of("Check, query and publish the policy document.", POLICY_COMMANDS)
app.add_typer(policy_app, name="policy")
device_app = app_of("Dongles known to the office.", DEVICE_COMMANDS)
device_app.add_typer(app_of("The authority that signs for devices.", DEVICE_CA_COMMANDS), name="ca")
app.add_typer(device_app, name="device")
app.add_typer(app_of("Whose dongle is whose, and when.", LINK_COMMANDS), name="link")
consent_app = app_of("Consents, given and withdrawn.", CONSENT_COMMANDS)
consent_app.add_typer(
    app_of("Evidence of consents that are gone; it names nobody.", EVIDENCE_COMMANDS),
    name="evidence",
)
app.add_typer(consent_app, name="consent")
app.add_typer(app_of("What is kept of one person.", PERSON_COMMANDS), name="person")
app.add_typer(app_of("What happened that ends lives.", EVENT_COMMANDS), name="event")
app.add_typer(app_of("What is kept by law although it goes.", HOLD_COMMANDS), name="hold")
app.add_typer(app_of("What devices are to collect.", COLLECT_COMMANDS), name="collect")
app.add_typer(app_of("What a gateway sends.", ENVELOPE_COMMANDS), name="envelope")
office_app = app_of(
    "Publish registrations, links and consents to the workers.",
    OFFICE_COMMANDS,
    alone="roadfade.commands.processes:office",
)
app.add_typer(office_app, name="office")
app.add_typer(app_of("The settings as they hold here.", CONFIG_COMMANDS), name="config")
app.add_typer(app_of("Kafka topics, as the policy says.", TOPIC_COMMANDS), name="topics")
app.add_typer(app_of("The lake, as it is on the disk.", LAKE_COMMANDS), name="lake")
app.add_typer(app_of("Copies of office, ledger and lake that end.", BACKUP_COMMANDS), name="backup")
app.add_typer(app_of("What was erased: a chain to verify.", RECEIPT_COMMANDS), name="receipts")
app.add_typer(
    app_of("Whether every reading and every copy is accounted for.", AUDIT_COMMANDS), name="audit"
)


def main() -> None:
    """The entry point of the ``roadfade`` command."""
    # Core dumps would hold keys and readings.
    import resource  # noqa: PLC0415  # not on every platform

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Files are written for the process's own user only: a lake file goes round every --purpose.
    os.umask(0o077)
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
