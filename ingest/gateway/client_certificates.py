"""The doorkeeper over files: who comes in by certificate, and who does no more.

In: files, a clock. Out: a context for listeners, peers, and what is wrong with the files. What is
not known closes the door: without a list of revoked certificates nobody new comes in.

``reload`` reads files that changed, and blocks: a process calls ``renew`` every few seconds, which
reads in a thread. ``context``, ``peer_of`` and ``stands`` read nothing.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Self

from ingest.gateway.certificate_files import (
    Authorities,
    DoorFiles,
    Fault,
    Mark,
    Revocations,
    mark_of,
    read_authorities,
    read_lists,
)
from ingest.gateway.ports import Peer
from ingest.gateway.presented import presented_by

SLOW_MS: Final = 300_000
"""So far a list may begin ahead of this clock."""
REMEDIES: Final[Mapping[Fault, str]] = {
    Fault.SERVER: "the gateway's certificate and key cannot be used, the ones before go on: make "
    "them anew (roadfade device ca server-certificate)",
    Fault.AUTHORITIES: "no device comes in: the file of authorities cannot be read, or holds none",
    Fault.LIST_MISSING: "no device comes in: there is no list of revoked certificates; the office "
    "writes it while it runs",
    Fault.LIST_UNREADABLE: "no device comes in: the list of revoked certificates cannot be read",
    Fault.LIST_FOREIGN: "devices of an authority that has no list do not come in: the list of "
    "revoked certificates is signed by another",
    Fault.LIST_EXPIRED: "devices do not come in: the list of revoked certificates is over, and the "
    "office has not written another",
}
logger = logging.getLogger(__name__)


class _Read(NamedTuple):
    """What files said, when some had changed."""

    marks: tuple[Mark, ...]
    authorities: Authorities | None
    lists: dict[bytes, Revocations] | Fault | None


class ClientCertificates:
    """Obeys ``Doorkeeper``."""

    def __init__(self, files: DoorFiles, now_ms: Callable[[], int]) -> None:
        self._files = files
        self._now_ms = now_ms
        self._context = listening_context()
        self._marks: tuple[Mark, ...] | None = None
        self._authorities: Authorities | None = None
        self._lists: dict[bytes, Revocations] = {}
        self._list_fault: Fault | None = Fault.LIST_MISSING
        self._server_fault = False
        self._told: frozenset[Fault] = frozenset()

    @classmethod
    def opened(cls, files: DoorFiles, now_ms: Callable[[], int]) -> Self:
        """Blocks. OSError (of ssl) if the gateway's own certificate cannot be used at all."""
        made = cls(files, now_ms)
        _load_server(made._context, files)
        made.reload()
        return made

    def context(self) -> ssl.SSLContext:
        """For listeners; the same object always."""
        return self._context

    def peer_of(self, connection: ssl.SSLObject) -> Peer | None:
        """Whose connection it is; None if that is not known for certain."""
        der = connection.getpeercert(binary_form=True)
        if der is None or self._authorities is None or self._list_fault is not None:
            return None
        peer = presented_by(der, self._authorities, self._now_ms())
        return peer if peer is not None and self.stands(peer) else None

    def stands(self, peer: Peer) -> bool:
        """Whether a device that came in may stay: by the last list that could be read.

        A list that is damaged now keeps out who is new, and ends nobody; one whose time is over
        ends all. So does an authority that is taken out of its file.
        """
        now_ms = self._now_ms()
        said = self._lists.get(peer.issuer)
        if said is None or peer.not_after_ms is None or self._authorities is None:
            return False
        known = peer.issuer in self._authorities.certificates
        living = now_ms < peer.not_after_ms and _holds(said, now_ms)
        return known and living and peer.serial not in said.serials

    @property
    def faults(self) -> frozenset[Fault]:
        """What is wrong now: for a metric. Empty: nothing is."""
        found = {Fault.SERVER} if self._server_fault else set()
        if self._authorities is None:
            return frozenset(found | {Fault.AUTHORITIES})
        if self._list_fault is not None:
            return frozenset(found | {self._list_fault})
        if any(one not in self._lists for one in self._authorities.certificates):
            found.add(Fault.LIST_FOREIGN)
        now_ms = self._now_ms()
        if not all(_holds(one, now_ms) for one in self._lists.values()):
            found.add(Fault.LIST_EXPIRED)
        return frozenset(found)

    def reload(self) -> None:
        """Read files that changed, and go by them. Blocks."""
        self._go_by(self._look())

    async def renew(self) -> None:
        """As ``reload``, with the reading of authorities and lists in a thread."""
        self._go_by(await asyncio.to_thread(self._look))

    def _look(self) -> _Read | None:
        """What files say; None if none has changed. Changes nothing, so a thread may do it."""
        files = self._files
        every = (files.server, files.key or files.server, files.authorities, files.revocations)
        marks = tuple(mark_of(one) for one in every)
        if marks == self._marks:
            return None
        authorities = read_authorities(files.authorities)
        lists = None if authorities is None else read_lists(files.revocations, authorities)
        return _Read(marks, authorities, lists)

    def _go_by(self, read: _Read | None) -> None:
        if read is not None:
            self._take_server(read.marks)
            self._take_authorities(read.authorities)
            self._take_lists(read.lists)
            self._marks = read.marks
        for fault in sorted(self.faults - self._told):
            logger.warning("%s", REMEDIES[fault])
        self._told = self.faults

    def _take_server(self, marks: tuple[Mark, ...]) -> None:
        """One small file, on the caller's thread: a context may not change below a handshake."""
        if self._marks is not None and marks[:2] == self._marks[:2]:
            return
        try:
            # A pair that does not fit would take the key from the living context.
            _load_server(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._files)
            _load_server(self._context, self._files)
        except OSError:
            self._server_fault = True
        else:
            self._server_fault = False

    def _take_authorities(self, authorities: Authorities | None) -> None:
        self._authorities = authorities
        if authorities is not None:
            self._context.load_verify_locations(cadata=authorities.pem)

    def _take_lists(self, lists: dict[bytes, Revocations] | Fault | None) -> None:
        if isinstance(lists, dict):
            self._lists, self._list_fault = lists, None
        elif lists is not None:
            self._list_fault = lists


def listening_context() -> ssl.SSLContext:
    """TLS 1.2 or 1.3, a certificate of each client, and no ticket by which one comes back.

    A session that is taken up again would carry a certificate that nobody checked anew.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    # An authority may be one that a company's root signed: the file alone says who is trusted.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    return context


def _load_server(context: ssl.SSLContext, files: DoorFiles) -> None:
    context.load_cert_chain(files.server, files.key, password=_no_password)


def _no_password() -> str:
    """Instead of a question on the terminal, for which nobody is there."""
    return ""


def _holds(said: Revocations, now_ms: int) -> bool:
    return said.from_ms - SLOW_MS <= now_ms < said.to_ms
