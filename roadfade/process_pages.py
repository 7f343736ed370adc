"""The pages that every process serves: its metrics, that it lives, and whether it is ready.

For probes and Prometheus, on an address of the inside: nobody has to log in.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from roadfade.metrics import REGISTRY
from roadfade.readiness import Readiness

METRICS: Final = "/metrics"
HEALTHY: Final = "/-/healthy"
READY: Final = "/-/ready"


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request into the log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's own name
        """Say nothing."""


def serve_pages(host: str, port: int, readiness: Readiness) -> WSGIServer:
    """Serve from a thread of its own; port 0 takes a free one. OSError if it cannot be had."""
    server = make_server(host, port, _pages(readiness), ThreadingWSGIServer, _Quiet)
    threading.Thread(target=server.serve_forever, name="pages", daemon=True).start()
    return server


def _pages(readiness: Readiness) -> Callable[..., Iterable[bytes]]:
    of_metrics: Callable[..., Iterable[bytes]] = make_wsgi_app(REGISTRY)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _text(start, "405 Method Not Allowed", "GET or HEAD\n")
        match environ["PATH_INFO"]:
            case "/metrics":
                return of_metrics(environ, start)
            case "/-/healthy" | "/healthz":
                return _text(start, "200 OK", "the process lives\n")
            case "/-/ready" | "/readyz":
                lacking = readiness.lacking()
                if not lacking:
                    return _text(start, "200 OK", "ready\n")
                lines = [f"{need}: {why}\n" for need, why in lacking.items()]
                return _text(start, "503 Service Unavailable", "not ready\n" + "".join(lines))
            case _:
                return _text(start, "404 Not Found", f"{METRICS}, {HEALTHY} or {READY}\n")

    return answer


def _text(start: Callable[..., Any], status: str, text: str) -> Iterable[bytes]:
    body = text.encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start(status, headers)
    return [body]
