"""Texts into files that a person names: where that fails, one sentence and wrong usage."""

from pathlib import Path

from roadfade.policy_choice import usage


def write_page(file: Path, text: str) -> None:
    """Write what a command made into the file it was told."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        usage(f"cannot write {file}: {error.strerror}; name a file in a folder you may write")


def write_below(folder: Path, name: str, text: str) -> None:
    """The same into a folder that need not be there yet; ``name`` may have folders of its own."""
    file = folder / name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        usage(f"cannot make {file.parent}: {error.strerror}; name a folder you may write")
    write_page(file, text)
