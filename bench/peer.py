"""One run of one peer, in a process of its own: prints its figures as one line of JSON."""

import argparse
import asyncio
import json
import logging
from typing import Final

from bench import copy_peer, road_peer
from bus.client.connection import Connection
from roadfade.processes.worker.process import collect_rarely

PEERS: Final = {"roadfade": road_peer.run, "copy": copy_peer.run}


def main() -> None:
    """Run the peer that the command line names."""
    ask = argparse.ArgumentParser()
    ask.add_argument("peer", choices=PEERS)
    ask.add_argument("--bootstrap-servers", required=True)
    ask.add_argument("--prefix", required=True, help="of the topics written to, and of the group")
    ask.add_argument("--records", type=int, required=True)
    told = ask.parse_args()
    source = Connection(told.bootstrap_servers)
    target = Connection(told.bootstrap_servers, told.prefix)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    collect_rarely()
    run = PEERS[told.peer]
    figures = asyncio.run(run(source, target, f"{told.prefix}group", told.records))
    print(json.dumps(figures._asdict()))


if __name__ == "__main__":
    main()
