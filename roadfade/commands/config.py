"""``roadfade config show``: every setting as it holds here, and where it comes from."""

import os
import re
from typing import Any, Final

import typer

from roadfade.terminal.answers import print_json, settings
from roadfade.terminal.arguments import AsJson

MASK: Final = "********"
_LOGIN: Final = re.compile(r"[^/@\s,]+@")
"""A user and a password before a host."""


def show(*, as_json: AsJson = False) -> None:
    """Show each setting's value and its origin: default, roadfade.toml or environment.

    A user and a password in an address are not shown.
    """
    rows = _rows()
    if as_json:
        print_json({"settings": rows})
        return
    for row in rows:
        value = "" if row["value"] is None else row["value"]
        place = f" ({row['from']})" if row["from"] else ""
        typer.echo(f"{row['name']:<28}{value!s:<28}{row['origin']}{place}")


def _rows() -> list[dict[str, Any]]:
    from roadfade.terminal.setting_origins import origins  # noqa: PLC0415  # --help needs none

    values, found = settings().model_dump(mode="json"), origins(os.environ)
    return [
        {
            "name": name,
            "value": _LOGIN.sub(f"{MASK}@", value) if isinstance(value, str) else value,
            "origin": found[name].kind,
            "from": found[name].source,
        }
        for name, value in values.items()
    ]
