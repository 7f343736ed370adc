"""Files to texts for the policy and the catalogue, which read no file themselves."""

from pathlib import Path

import policy
import telemetry
from telemetry.signals import Catalogue, parse_catalogue

SHIPPED = "connected-car-jp"


def shipped_policy_path() -> Path:
    """The folder of the policy document that comes with the program."""
    return Path(policy.__file__).parent / "documents" / SHIPPED


def load_files(path: Path) -> dict[str, str]:
    """Every YAML file below a document's folder, by its relative name with ``/``.

    NotADirectoryError where the path is no folder; UnicodeDecodeError where a file is
    not UTF-8. Other files, such as a README, are left alone.
    """
    if not path.is_dir():
        msg = f"{path} is no folder; a policy document is a folder with policy.yaml in it"
        raise NotADirectoryError(msg)
    found = (file for suffix in ("yaml", "yml") for file in path.rglob(f"*.{suffix}"))
    return {
        file.relative_to(path).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(found)
    }


def load_catalogue() -> Catalogue:
    """The signal catalogue that comes with the program."""
    return parse_catalogue((Path(telemetry.__file__).parent / "catalogue.json").read_bytes())
