"""``roadfade envelope schema``: what a gateway checks an envelope against before it sends it."""

import typer

from roadfade.terminal.arguments import AsJson
from telemetry.wire.schema import schema_of

ENVELOPE = "envelope.v1"


def schema(*, as_json: AsJson = False) -> None:
    """The JSON Schema of the envelope that a gateway publishes (JSON either way).

    A schema knows no catalogue: whether a path, a unit or a value is right, `publish --check` says.
    """
    del as_json
    typer.echo(schema_of(ENVELOPE), nl=False)
