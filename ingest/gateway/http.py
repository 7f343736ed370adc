"""The HTTPS door: envelopes by POST, and what a device may ask of itself.

In: requests of devices whose listener knows them. Out: what the front desk answers, in HTTP's
codes; docs/gateways.md has them. It looks at no envelope itself.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ingest.gateway.collection_lists import Lists
from ingest.gateway.formats import ENVELOPE_FORMAT, MESSAGE_BYTES_MAX
from ingest.gateway.http_listener import HEADERS, Connection, Listener, refusal
from ingest.gateway.openapi import OPENAPI
from ingest.gateway.opening import ClosedError, Opening, Room
from ingest.gateway.ports import Answer, FrontDesk, Peer, Refusal
from ingest.gateway.problems import Fault, first_of
from telemetry.identity import DeviceId

ENVELOPES: Final = "/v1/envelopes"
FORMATS: Final = "/v1/formats/"
REJECTS: Final = "/v1/rejects"
COLLECT: Final = "/v1/collect"
DOCUMENT: Final = "/v1/openapi.json"
ENVELOPE_TYPES: Final = frozenset({"application/json", "application/x-ndjson"})
AGAIN_S: Final = 5
"""So long a device is told to wait if there is no room for what it brings."""
ENCODINGS: Final = {"": False, "identity": False, "gzip": True}
"""Whether it is gzip, by the name of the encoding."""


class HttpDoor:
    """One HTTPS listener before a front desk."""

    def __init__(
        self,
        listener: Listener,
        desk: FrontDesk,
        refused_of: Callable[[DeviceId], Mapping[Refusal, int]],
        formats: frozenset[str] = frozenset(),
        lists: Lists | None = None,
    ) -> None:
        self._listener = listener
        self._desk = desk
        self._refused_of = refused_of
        self._formats = formats
        self._lists = lists
        self._room = Room(listener.bounds.opened_bytes_max)

    async def start(self, host: str, port: int) -> int:
        """Listen; the port."""
        return await self._listener.start(self._handle, host, port)

    async def watch(self) -> None:
        """Cut off who must go, again and again."""
        await self._listener.watch()

    async def stop(self, drain_s: float) -> None:
        """Finish what is in hand."""
        await self._listener.stop(drain_s)

    async def _handle(self, request: web.BaseRequest, connection: Connection) -> Any:
        authorization = request.headers.get("Authorization")
        peer = self._listener.identity.of_request(connection.peer, authorization)
        answer = await self._heard(request, peer)
        if peer is None:
            answer.force_close()  # lest nobody known keeps a connection that devices need
        return answer

    async def _heard(self, request: web.BaseRequest, peer: Peer | None) -> Any:
        if (bad := await _met(request)) is not None:
            return bad
        path, method = request.path, request.method
        if path == DOCUMENT:
            return _json(OPENAPI) if method == "GET" else _not("GET")
        if peer is None:
            return refusal(Fault.UNKNOWN_IDENTITY, {"WWW-Authenticate": "Bearer"})
        return await self._ask(request, peer, path, method)

    async def _ask(self, request: web.BaseRequest, peer: Peer, path: str, method: str) -> Any:
        name = path.removeprefix(FORMATS)
        if path == ENVELOPES or (name != path and name in self._formats):
            if method != "POST":
                return _not("POST")
            return await self._take(request, peer, None if path == ENVELOPES else name)
        if path == REJECTS:
            return self._rejects(peer) if method == "GET" else _not("GET")
        if path == COLLECT:
            return self._collect(request, peer) if method == "GET" else _not("GET")
        return refusal(Fault.NOT_FOUND)

    async def _take(self, request: web.BaseRequest, peer: Peer, name: str | None) -> Any:
        """One message; ``name`` is its format, None: envelopes."""
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ENCODINGS or (name is None and _type_of(request) not in ENVELOPE_TYPES):
            return refusal(Fault.UNSUPPORTED)
        gzip = ENCODINGS[encoding]
        opening = Opening(gzip=gzip, bytes_max=MESSAGE_BYTES_MAX, room=self._room)
        try:
            payload = await self._opened(request, opening)
            if payload is Refusal.UNAVAILABLE:
                return refusal(payload, {"Retry-After": str(AGAIN_S)})
            if not isinstance(payload, bytes):
                return refusal(payload)
            return _answered(await self._desk.take(peer, name or ENVELOPE_FORMAT, payload))
        finally:
            opening.close()

    async def _opened(self, request: web.BaseRequest, opening: Opening) -> bytes | Fault | Refusal:
        if (request.content_length or 0) > MESSAGE_BYTES_MAX:
            return Refusal.OVERSIZED
        try:
            async with asyncio.timeout(self._listener.bounds.body_s):
                async for piece in request.content.iter_any():
                    opening.feed(piece)
            return opening.whole()
        except TimeoutError:
            return Fault.SLOW
        except (web.RequestPayloadError, HttpProcessingError):
            return Fault.BAD_REQUEST
        except ClosedError as closed:
            return closed.why

    def _rejects(self, peer: Peer) -> Any:
        counts = {str(why): count for why, count in self._refused_of(peer.device).items()}
        return _json(msgspec.json.encode({"refused": counts}))

    def _collect(self, request: web.BaseRequest, peer: Peer) -> Any:
        document = None if self._lists is None else self._lists.of(peer.device)
        if document is None:
            return refusal(Fault.NO_LIST)
        tag = f'"{hashlib.sha256(document).hexdigest()[:32]}"'
        asked = {one.strip() for one in request.headers.get("If-None-Match", "").split(",")}
        if asked & {tag, f"W/{tag}"}:
            return web.Response(status=304, headers=HEADERS | {"ETag": tag})
        return _json(document, {"ETag": tag})


async def _met(request: web.BaseRequest) -> Any:
    """What the client expects before it sends its body; an answer if that cannot be met."""
    if any(len(request.headers.getall(one, ())) > 1 for one in ONCE):
        return refusal(Fault.BAD_REQUEST)
    expected = request.headers.get("Expect")
    if expected is None:
        return None
    if expected.lower() != "100-continue":
        return refusal(Fault.EXPECTATION)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None


ONCE: Final = ("Authorization", "Content-Encoding", "Content-Length", "Content-Type", "Expect")
"""Headers of which a second could be read by one and not by another."""


def _type_of(request: web.BaseRequest) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _answered(answer: Answer) -> Any:
    why = first_of(answer)
    if why is None:
        return _json(msgspec.json.encode({"accepted": answer.accepted}), status=202)
    headers = {}
    if answer.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(answer.retry_after_s)))
    refused = {str(one): count for one, count in answer.refused.items() if count}
    return refusal(why, headers, accepted=answer.accepted, refused=refused)


def _json(body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> Any:
    return web.Response(
        body=body, status=status, content_type="application/json", headers=HEADERS | (headers or {})
    )


def _not(allowed: str) -> Any:
    return refusal(Fault.METHOD, {"Allow": allowed})
