"""Files to texts for the policy and the catalogue, which read no file themselves."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import policy
import telemetry
from policy.language.parse import parse_policy
from policy.language.problems import Problem
from policy.vocabulary.terms import Where
from roadfade.in_force.parsed_files import parsed_files
from roadfade.refusal import NotReady
from telemetry.signals import Catalogue, parse_catalogue
from telemetry.wire.publication import Publication

if TYPE_CHECKING:
    from roadfade.settings import Settings

SHIPPED = "connected-car-jp"


class UnreadableError(ValueError):
    """Files of a document that give no text, each with what to do about it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def shipped_policy_path() -> Path:
    """The folder of the policy document that comes with the program."""
    return Path(policy.__file__).parent / "documents" / SHIPPED


def load_files(path: Path) -> dict[str, str]:
    """Every YAML file below a document's folder, by its relative name with ``/``.

    NotADirectoryError if the path is no folder; UnreadableError if a file gives no
    text, naming all of them. Other files, such as a README, are left alone.
    """
    if not _is_folder(path):
        msg = f"{path} is not a folder; a policy document is a folder with policy.yaml in it"
        raise NotADirectoryError(msg)
    texts: dict[str, str] = {}
    problems: list[Problem] = []

    def closed(error: OSError) -> None:
        # Its files are not missing: what does not hold without them would be said in vain.
        folder = Path(error.filename).relative_to(path).as_posix()
        why = f"the folder cannot be read: {error.strerror}"
        problems.append(Problem(Where(folder, 1), why, "", "allow this user to read and enter it"))

    for file in _yaml_files(path, closed):
        name = file.relative_to(path).as_posix()
        try:
            texts[name] = file.read_text(encoding="utf-8")
        except OSError as error:
            why = f"the file cannot be read: {error.strerror}"
            remedy = "replace it with a file that you may read"
            problems.append(Problem(Where(name, 1), why, "", remedy))
        except UnicodeDecodeError as error:
            where = Where(name, error.object[: error.start].count(b"\n") + 1)
            problems.append(Problem(where, "the file is not UTF-8", "", "save it as UTF-8"))
    if problems:
        raise UnreadableError(tuple(problems))
    return texts


def _yaml_files(path: Path, closed: Callable[[OSError], None]) -> list[Path]:
    """Every YAML file below a folder, in order; ``closed`` is told of folders that are not read."""
    found = [
        Path(folder, name)
        for folder, folders, files in os.walk(path, onerror=closed)
        for name in (*folders, *files)
        if name.endswith((".yaml", ".yml"))
    ]
    return sorted(found)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, a parent folder without permission to enter
        return False


def own_publication(settings: "Settings") -> Publication:
    """The document of these settings, as if published by its date.

    NotReady if its policy.yaml is broken; whether all of it holds shows when it is compiled.
    """
    path = settings.policy or shipped_policy_path()
    files = _texts(path)
    with parsed_files(settings.state_dir) as read:
        policy = parse_policy(files, read)
    if isinstance(policy, tuple):
        lines = "\n".join(str(problem) for problem in policy)
        msg = f"the policy {path} does not hold; see `roadfade policy check`:\n{lines}"
        raise NotReady(msg)
    effective_ms = policy.day_start_ms(policy.effective)
    return Publication(policy.policy, policy.version, effective_ms, effective_ms, files)


def _texts(path: Path) -> dict[str, str]:
    try:
        return load_files(path)
    except (NotADirectoryError, UnreadableError) as error:
        msg = f"the policy cannot be read: {error}"
        raise NotReady(msg) from error


def load_catalogue() -> Catalogue:
    """The signal catalogue that comes with the program."""
    return parse_catalogue((Path(telemetry.__file__).parent / "catalogue.json").read_bytes())
