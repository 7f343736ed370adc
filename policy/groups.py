"""The consumer groups of the house, by the names that rights are given to and lag is told of."""

from typing import Final

WORKER_GROUP: Final = "roadfade-worker"
LEDGER_GROUP: Final = "roadfade-ledger"
SINK_GROUP: Final = "roadfade-sink"
