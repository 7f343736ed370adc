"""Documents under further numbers, for tests that publish versions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from roadfade.in_force.documents import load_files, shipped_policy_path

Bends = Mapping[str, tuple[tuple[str, str], ...]]
"""By file: the texts that change, as (old, new)."""
RENAMED: Final = "as: "
"""A file's first change may be (``as: NAME``, its new name): it is there under that name too."""


def document(
    folder: Path,
    version: int,
    bends: Bends,
    effective: str | None = None,
    of: Mapping[str, str] | None = None,
) -> Path:
    """A document (the shipped one unless given) with this number and these changes, as a folder.

    If rules change, the shipped one's cases are left out: they test the rules before.
    """
    files = dict(load_files(shipped_policy_path()) if of is None else of)
    number = ("\nversion: 1\n", f"\nversion: {version}\n")
    dated = () if effective is None else (("effective: 2026-10-01", f"effective: {effective}"),)
    for name, changes in {
        **bends,
        "policy.yaml": (number, *dated, *bends.get("policy.yaml", ())),
    }.items():
        for old, new in changes:
            if old == RENAMED:
                files[new] = files[name].replace(Path(name).stem, Path(new).stem)
                continue
            assert old in files[name], f"{old!r} does not occur in {name}"
            files[name] = files[name].replace(old, new)
    changed = of is None and bool(bends or effective)
    for name, text in files.items():
        if changed and name.startswith("cases/"):
            continue
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
