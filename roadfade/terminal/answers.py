"""How a command answers: JSON or lines, and its exit: 0 done, 1 refused or failed, 2 wrong usage.

Answers go to standard output, what is wrong to standard error. If JSON was asked for, a refusal
of any kind is the answer: one object, whose ``refused`` says what, where and the remedy.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer

from office.errors import OfficeError
from roadfade.refusal import Refusal

if TYPE_CHECKING:
    from roadfade.settings import Settings

FAILS: Final = 1
USAGE: Final = 2

_ALLOW: Final = "allow this user to use it and the folders above it, or name another"
_MAKE_ROOM: Final = "free space on its disk, and try again"
FILE_REMEDIES: Final[Mapping[int, str]] = {
    errno.EACCES: _ALLOW,
    errno.EPERM: _ALLOW,
    errno.EROFS: "nothing can be written there: name a folder on another file system",
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
}
"""What to do about a file or folder that the machine refuses, by the number of the error."""

_AS_JSON: Final = ContextVar("_AS_JSON", default=False)
_WARNED: Final[ContextVar[frozenset[str]]] = ContextVar("_WARNED", default=frozenset())
"""Variables of which the command that runs has told that they are no settings."""


@contextmanager
def answering(*, as_json: bool) -> Iterator[None]:
    """Within it a command runs; ``as_json``: whether a refusal is to be an object.

    The command line enters it around every command, so that no command has to think of it.
    """
    before, warned = _AS_JSON.set(as_json), _WARNED.set(frozenset())
    try:
        yield
    finally:
        _AS_JSON.reset(before)
        _WARNED.reset(warned)


def answers_as_json() -> bool:
    """Whether the command that runs was asked for JSON."""
    return _AS_JSON.get()


def print_json(value: Mapping[str, Any]) -> None:
    """One object on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def refuse(
    why: str,
    *,
    said: str = Refusal.said,
    facts: Mapping[str, Any] | None = None,
    lines: Sequence[str] = (),
    exits: int = FAILS,
) -> NoReturn:
    """Refuse in one sentence; with ``facts`` if the answer is to be JSON, else with ``lines``."""
    if answers_as_json():
        print_json({"refused": why, **(facts or {})})
    else:
        typer.secho(f"{said}: {why}" if said else why, fg="red" if said else None, err=True)
        for line in lines:
            typer.echo(line, err=True)
    raise typer.Exit(exits)


def usage(message: str) -> NoReturn:
    """Refuse what was asked wrongly; exit 2."""
    refuse(message, said="", exits=USAGE)


def carry_out(work: Callable[[], None]) -> None:
    """Do the work; a refusal that it raises is printed, and the exit code is 1.

    So is what a machine refuses (a right, room on a disk), which no change of the program mends.
    """
    try:
        work()
    except OfficeError as refusal:
        refuse(str(refusal))
    except Refusal as refusal:
        refuse(str(refusal), said=refusal.said)
    except OSError as error:
        remedy = FILE_REMEDIES.get(error.errno or 0)
        if remedy is None:
            _refuse_unusable_store(error)
            raise
        refuse(f"{error.filename or 'a file'} cannot be used ({error.strerror}): {remedy}")


def _refuse_unusable_store(error: OSError) -> None:
    from sinks.port.sink import StoreUnusableError  # noqa: PLC0415  # --help needs none

    if isinstance(error, StoreUnusableError):
        refuse(f"the store cannot be used: {error}")


def settings() -> "Settings":
    """Read the settings; exit 2, naming what is wrong, if they do not hold.

    A variable that only looks like a setting is told on the error stream.
    """
    import tomllib  # noqa: PLC0415  # heavy; --help needs no settings

    from pydantic import ValidationError  # noqa: PLC0415  # likewise

    from roadfade.settings import Settings  # noqa: PLC0415  # likewise
    from roadfade.terminal.setting_origins import FILE, fault_in_words, strangers  # noqa: PLC0415  # likewise

    found = [(name, near) for name, near in strangers(os.environ) if name not in _WARNED.get()]
    _WARNED.set(_WARNED.get().union(name for name, _ in found))
    for name, near in found:
        hint = "" if near is None else f": did you mean {near}?"
        typer.echo(f"warning: {name} is no setting and changes nothing{hint}", err=True)
    file = Path(FILE).absolute()
    try:
        # What is there and no file would be passed over in silence, and its settings with it.
        masked = os.path.realpath(file) == os.devnull
        if os.path.lexists(file) and not file.is_file() and not masked:
            usage(
                f"{file} is no file: write the settings into a file of that name, or move it away"
            )
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        usage(f"{file} is not TOML: {error}; fix that line, or move the file away")
    except OSError as error:
        usage(
            f"{file} cannot be read ({error.strerror}): allow this user to read it and its folder, "
            "or start in another folder"
        )
    except ValidationError as error:
        found_wrong = error.errors(include_input=False, include_url=False)
        faults = [
            fault_in_words(fault["type"], fault["loc"], fault["msg"]) for fault in found_wrong
        ]
    usage("\n".join(faults))


def write_page(file: Path, text: str) -> None:
    """Write what a command made into the file that a person named; exit 2 if it cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        usage(f"cannot write {file}: {error.strerror}; name a file in a folder you may write")


def write_below(folder: Path, name: str, text: str) -> None:
    """As ``write_page``, into a folder made if missing; ``name`` may have folders of its own."""
    file = folder / name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        usage(f"cannot create {file.parent}: {error.strerror}; name a folder you may write")
    write_page(file, text)
