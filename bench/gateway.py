"""What the gateway costs, beside a bare aiohttp handler that only forwards to Kafka.

``python -m bench.gateway``: a broker of its own, two servers as processes with the same TLS, loop
and client certificates, and devices that send one envelope a request over living connections. They
take turns, several rounds each. Printed: envelopes per CPU-second of each server and their ratio,
and the 99th percentile of the time to an answer. ``--json`` prints the figures as the last line.
The handler reads, sends (``acks=all``, idempotent, 5 ms of linger, zstd) and answers 202; it judges
nothing.
"""

import argparse
import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil
from aiohttp import web
from aiokafka import AIOKafkaProducer

from bus.client.connection import Connection
from bus.failures import SendFailedError
from bus.publisher import Publisher
from bus.topics import TopicSpec
from ingest.gateway.boots import Boots
from ingest.gateway.copies import Copies
from ingest.gateway.front_desk import Desk
from ingest.gateway.http import HttpDoor
from ingest.gateway.http_listener import Bounds, Listener
from ingest.gateway.identities import ByCertificate
from ingest.gateway.shares import Shares
from ingest.gateway.way_out import WayOut
from ingest.raw_topic import RawPublisher
from ingest.routing import Routing
from roadfade.clock import wall_ms
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from roadfade.processes.gateway.process import faster_loop
from telemetry.topics import RAW
from tests.support.gateway_door import HOST, Authority, TestDoorkeeper
from tests.support.plans import SPEED
from tests.support.sealing import PeriodKeys
from tests.support.worlds import column, envelope

READINGS: Final = 120
PARTITIONS: Final = 4
SERVERS: Final = ("gateway", "bare")


def body(device: str, seq: int) -> bytes:
    """An envelope of usual size."""
    values = [float((seq + n) % 120) for n in range(READINGS)]
    named = {"id": f"{device}-{seq:012d}", "boot": "boot-1", "seq": seq, "device": device}
    series: dict[str, Any] = {SPEED: column("km/h", values)}
    return envelope(series, **named)  # type: ignore[arg-type]


async def stand_gateway(servers: str, doorkeeper: TestDoorkeeper) -> int:
    """The real door and desk, with shares that nobody uses up."""
    publisher = Publisher(
        Connection(servers, ""), clock=wall_ms, client_id="gateway", compression=None
    )
    sealer = PeriodKeys().sealer(wall_ms)
    raw = RawPublisher(publisher, {SPEED}, Routing(bytes(32), PARTITIONS), sealer)
    out = WayOut(lambda: raw, (SendFailedError,), bytes_max=64 << 20, deadline_s=10.0)
    desk = Desk(
        out,
        Shares(10**9, 10**12, 100_000, time.monotonic),
        Copies(200_000),
        Boots(300_000, 100_000),
        wall_ms,
        adapters={},
        quiet_s=300.0,
        devices_max=100_000,
    )
    listener = Listener(ByCertificate(doorkeeper), Bounds(1_000, 60.0, 60.0), time.monotonic)
    sending = asyncio.create_task(out.run())
    sending.add_done_callback(lambda _: sys.exit(1))
    return await HttpDoor(listener, desk, desk.refused_of).start(HOST, 0)


async def stand_bare(servers: str, doorkeeper: TestDoorkeeper) -> int:
    """Reads, forwards, answers."""
    producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        linger_ms=5,
    )
    await producer.start()

    async def take(request: web.Request) -> web.Response:
        await (await producer.send(RAW, await request.read()))
        return web.json_response({"accepted": 1}, status=202)

    app = web.Application()
    app.router.add_post("/v1/envelopes", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=doorkeeper.context())
    await site.start()
    return int(runner.addresses[0][1])


async def serve(which: str, servers: str, folder: Path) -> None:
    """Stand until killed; the port is the first line printed."""
    authority = Authority(folder / which)
    doorkeeper = TestDoorkeeper(authority, authority.of_gateway())
    stand = stand_gateway if which == "gateway" else stand_bare
    port = await stand(servers, doorkeeper)
    for number in range(int((folder / "devices").read_text())):
        authority.of_device(f"dev-{number:06d}")
    print(port, flush=True)
    await asyncio.Event().wait()


async def load(port: int, folder: Path, devices: int, start: int, count: int) -> list[float]:
    """Each device sends so many envelopes, one after the other; seconds to each answer."""
    took: list[float] = []

    async def send(number: int) -> None:
        device = f"dev-{number:06d}"
        context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
        context.load_cert_chain(folder / f"{device}.pem")
        bodies = [body(device, seq) for seq in range(start, start + count)]
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector) as client:
            for one in bodies:
                began = time.perf_counter()
                async with client.post(
                    f"https://{HOST}:{port}/v1/envelopes",
                    data=one,
                    headers={"Content-Type": "application/json"},
                ) as answer:
                    if answer.status != HTTPStatus.ACCEPTED:
                        msg = f"answered {answer.status}"
                        raise RuntimeError(msg)
                    await answer.read()
                took.append(time.perf_counter() - began)

    await asyncio.gather(*map(send, range(devices)))
    return took


def cpu_s(process: psutil.Process) -> float:
    """What a process has used."""
    used = process.cpu_times()
    return float(used.user + used.system)


def measure(servers: str, folder: Path, devices: int, count: int, rounds: int) -> dict[str, Any]:
    """Rounds in turns; the first of each warms it up and does not count."""
    (folder / "devices").write_text(str(devices))
    found: dict[str, dict[str, list[float]]] = {}
    children: list[subprocess.Popen[str]] = []
    ports: dict[str, int] = {}
    try:
        for which in SERVERS:
            (folder / which).mkdir()
            argv = [sys.executable, "-m", "bench.gateway", "--serve", which, servers, str(folder)]
            child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
            children.append(child)
            ports[which] = int(next(iter(child.stdout or ())))
            found[which] = {"per_cpu_s": [], "p99_ms": []}
        for turn in range(rounds + 1):
            for which, child in zip(SERVERS, children, strict=True):
                used = cpu_s(psutil.Process(child.pid))
                took = asyncio.run(load(ports[which], folder / which, devices, turn * count, count))
                used = cpu_s(psutil.Process(child.pid)) - used
                if turn:
                    found[which]["per_cpu_s"].append(len(took) / used)
                    found[which]["p99_ms"].append(statistics.quantiles(took, n=100)[98] * 1000)
    finally:
        for child in children:
            child.kill()
            child.wait()
    middle: Callable[[Sequence[float]], float] = statistics.median
    figures = {w: {name: middle(all_) for name, all_ in of.items()} for w, of in found.items()}
    ours, bare = figures["gateway"], figures["bare"]
    return figures | {
        "cpu_ratio": ours["per_cpu_s"] / bare["per_cpu_s"],
        "p99_ratio": ours["p99_ms"] / bare["p99_ms"],
    }


async def topic(servers: str) -> None:
    """The raw topic."""
    spec = TopicSpec(RAW, PARTITIONS, {"message.timestamp.type": "LogAppendTime"})
    async with Connection(servers, "").admin() as admin:
        await admin.create([spec])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=32)
    parser.add_argument("--envelopes", type=int, default=60, help="of each device and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        which, servers, folder = asked.serve
        with asyncio.Runner(loop_factory=faster_loop()) as runner:
            runner.run(serve(which, servers, Path(folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = LocalBroker(folder / "broker", kafka_libs())
        broker.start()
        try:
            asyncio.run(topic(broker.bootstrap_servers))
            servers = broker.bootstrap_servers
            found = measure(servers, folder, asked.devices, asked.envelopes, asked.rounds)
        finally:
            broker.stop()
    for which in SERVERS:
        per_s, p99_ms = found[which]["per_cpu_s"], found[which]["p99_ms"]
        print(f"{which}: {per_s:,.0f} envelopes per CPU-second, p99 {p99_ms:.1f} ms")
    print(
        f"ratio of envelopes per CPU-second {found['cpu_ratio']:.2f}, p99 {found['p99_ratio']:.2f}"
    )
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
