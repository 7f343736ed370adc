"""Whether anything answers where the broker should be: asked before a client waits for it."""

from bus.address import Address
from roadfade.refusal import Unready
from roadfade.settings import Settings


def require_broker(settings: Settings) -> None:
    """Return if one of the named servers takes a connection; Unready otherwise. Blocks."""
    named = settings.kafka_bootstrap_servers
    if Address(named).answers():
        return
    msg = (
        f"no broker answers at {named}: start it, or name another with KAFKA_BOOTSTRAP_SERVERS "
        "(`roadfade run` starts one of its own and prints its address)"
    )
    raise Unready(msg)
