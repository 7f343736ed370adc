"""A small ELM327 on a pseudo terminal: one car, one control unit, ISO 15765-4 (11 bit, 500 k)."""

import os
import pty
import select
import threading
import tty
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Final, Self

_ANSWERS: Final = {
    0x01: bytes([0x82, 0x07, 0xE5, 0x00]),
    0x05: bytes([130]),
    0x0C: bytes([0x1A, 0xF8]),
    0x0D: bytes([57]),
    0x11: bytes([51]),
    0x1F: bytes([0x01, 0x00]),
    0x2F: bytes([128]),
    0x34: bytes([0x80, 0x00, 0x90, 0x00]),
    0x42: bytes([0x36, 0xB0]),
    0x4D: bytes([0x00, 0x10]),
}
_DTC: Final = "43 02 03 01 04 20"
"""Two stored codes: P0301 and P0420."""


class Elm327:
    """Answers on ``port`` until closed; ``requests`` holds everything that was asked.

    ``odd`` gives the text of some answers, by the first four characters of the request.
    """

    def __init__(self, odd: Mapping[str, str] = MappingProxyType({})) -> None:
        self._odd = odd
        self._controller, self._device = pty.openpty()
        tty.setraw(self._device)
        self.port = os.ttyname(self._device)
        self.requests: list[str] = []
        self._silent = threading.Event()
        self._closing, self._close = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="elm327")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._close, b".")
        self._thread.join()
        for descriptor in (self._controller, self._device, self._closing, self._close):
            os.close(descriptor)

    def fall_silent(self) -> None:
        """From now on the car answers nothing, as if the plug had been pulled."""
        self._silent.set()

    def _serve(self) -> None:
        pending = b""
        while True:
            ready, _, _ = select.select([self._controller, self._closing], [], [])
            if self._closing in ready:
                return
            pending += os.read(self._controller, 1024)
            while b"\r" in pending:
                line, _, pending = pending.partition(b"\r")
                request = line.decode("ascii", "replace").strip().upper().replace(" ", "")
                if self._silent.is_set():
                    continue
                if request:
                    self.requests.append(request)
                    self._last = request
                os.write(self._controller, (self._said(request) + "\r\r>").encode())

    def _said(self, request: str) -> str:
        odd = self._odd.get(request[:4])
        return self._answer(request) if odd is None else odd

    def _answer(self, request: str) -> str:
        if request == "ATZ":
            return "\r\rELM327 v1.5"
        if request == "ATDPN":
            return "A6"
        if request.startswith("AT"):
            return "OK"
        if request.startswith("01") and len(request) >= 4:
            return _mode_01(int(request[2:4], 16))
        if request.startswith("03"):
            return f"7E8 06 {_DTC}"
        return "NO DATA"


def _mode_01(pid: int) -> str:
    if pid % 0x20 == 0:
        bits = 0
        for known in [*_ANSWERS, 0x20, 0x40]:
            if pid < known <= pid + 0x20:
                bits |= 1 << (0x20 - (known - pid))
        data = bits.to_bytes(4)
    elif pid in _ANSWERS:
        data = _ANSWERS[pid]
    else:
        return "NO DATA"
    payload = bytes([0x41, pid]) + data
    return f"7E8 {len(payload):02X} {payload.hex(' ').upper()}"
