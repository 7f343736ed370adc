"""What a process or a command loads: what it uses, and nothing that others use."""

import subprocess
import sys
from pathlib import Path

import pytest

import roadfade.cli

LIBRARIES = frozenset({
    "aiohttp", "aiokafka", "babel", "can", "cantools", "confluent_kafka", "cryptography", "duckdb",
    "faust", "h3", "jinja2", "joserfc", "limits",
    "prometheus_client", "pydantic", "pydantic_settings", "rich", "ruamel", "sqlalchemy",
    "structlog",
})  # fmt: skip
SETTINGS = frozenset({"pydantic", "pydantic_settings"})
BROKER = SETTINGS | {"aiokafka"}
OFFICE = BROKER | {"sqlalchemy"}
METRICS = BROKER | {"prometheus_client"}
# structlog looks for rich when it is imported.
PROCESS = METRICS | {"structlog", "rich"}

# What each may load; the module is what its function in the command line imports.
MAY = {
    "processes.worker.process": PROCESS | {"aiohttp", "cryptography", "faust", "h3"},
    "processes.sink.process": PROCESS | {"duckdb"},
    "processes.sweep.process": PROCESS | {"duckdb"},
    "processes.gateway.process": PROCESS | {"aiohttp", "cryptography", "joserfc", "limits"},
    # It draws collection lists with what processors are made of.
    "processes.office.process": PROCESS | {"cryptography", "h3", "joserfc", "sqlalchemy"},
    "commands.query": SETTINGS | {"duckdb", "rich"},
    "commands.vehicles.signals": SETTINGS | {"rich"},
    "commands.status": METRICS | {"duckdb", "rich"},
    "commands.topics": BROKER | {"confluent_kafka", "rich"},
    "commands.vehicles.publish": OFFICE | {"cryptography"},
    "commands.vehicles.publish_check": OFFICE | {"h3"},
    "commands.vehicles.obd": OFFICE | {"cryptography"},
    "commands.vehicles.simulate": OFFICE | {"cryptography", "rich"},
    "commands.vehicles.replay": OFFICE | {"can", "cantools", "cryptography", "rich", "ruamel"},
    "demo.run": OFFICE
    | {"confluent_kafka", "cryptography", "duckdb", "prometheus_client", "rich", "structlog"},
    "commands.policy.ask": frozenset({"pydantic", "rich"}),
    "commands.policy.compare": frozenset({"pydantic", "rich"}),
    "commands.policy.artefacts": frozenset({"pydantic", "rich"}),
    "commands.policy.pages": frozenset({"babel", "jinja2", "pydantic", "rich"}),
    "commands.policy.publish": frozenset({"pydantic", "rich"}),
    "commands.office": frozenset[str](),
    "commands.office_lists": frozenset[str](),
    "commands.device": frozenset[str](),
    "commands.device_ca": frozenset[str](),
    "commands.consent_evidence": frozenset[str](),
    "commands.person": frozenset[str](),
    "commands.event": frozenset[str](),
    "commands.event_publish": frozenset[str](),
    "commands.hold": frozenset[str](),
    "commands.collect": frozenset[str](),
    "commands.office_stores": frozenset[str](),
    "commands.office_rebuild": frozenset[str](),
    "commands.vehicles.envelope_schema": frozenset[str](),
    "commands.audit": frozenset[str](),
    "commands.receipts": frozenset[str](),
    "commands.certificate": frozenset[str](),
    "commands.config": frozenset[str](),
    "commands.lake": frozenset[str](),
    "commands.lake_migrate": frozenset({"rich"}),
    "commands.adopt": frozenset[str](),
    "commands.backup": frozenset[str](),
    "commands.restore": frozenset[str](),
    "commands.force_end": frozenset[str](),
    "commands.force_end_asks": BROKER | {"duckdb", "rich"},
    "status.accounts": METRICS | {"duckdb"},
    "commands.vehicles.drives": frozenset[str](),
    "commands.processes": frozenset[str](),
}
ASK = """
import sys
import roadfade.cli
try:
    {what}
except SystemExit:
    pass
print("loaded:", *sys.modules)
"""


def loaded_by(what: str, folder: Path) -> frozenset[str]:
    command = [sys.executable, "-c", ASK.format(what=what)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return LIBRARIES & set(done.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("module", MAY)
def test_a_process_or_command_loads_only_what_it_uses(module: str, tmp_path: Path) -> None:
    assert loaded_by(f"import roadfade.{module}", tmp_path) <= MAY[module]


def test_every_module_of_a_command_is_on_the_list() -> None:
    tables = [table for name, table in vars(roadfade.cli).items() if name.endswith("COMMANDS")]
    functions = {function for table in tables for function in table.values()}
    modules = {one.partition(":")[0].removeprefix("roadfade.") for one in functions}
    assert len(modules) >= 7
    assert modules <= set(MAY)


@pytest.mark.parametrize("words", [["--help"], ["policy", "--help"], ["polcy"]], ids=" ".join)
def test_a_list_of_commands_loads_none_of_them(words: list[str], tmp_path: Path) -> None:
    # What is more than --help, typer itself reads with pydantic.
    may = {"pydantic"} if words != ["--help"] else set()
    assert loaded_by(f"roadfade.cli.app({words})", tmp_path) <= may


def test_the_second_start_reads_no_yaml(tmp_path: Path) -> None:
    (tmp_path / ".state").mkdir()
    query = "roadfade.cli.app(['query', 'SELECT 1', '--purpose', 'nobody'])"
    assert "ruamel" in loaded_by(query, tmp_path)
    assert loaded_by(query, tmp_path) <= MAY["commands.query"]
