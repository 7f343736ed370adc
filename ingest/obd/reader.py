# SPDX-License-Identifier: MIT
"""Reads an OBD-II adapter and writes NDJSON; a program of its own.

This file alone is under the MIT licence and imports nothing but python-OBD (GPL-2.0-only)
and the standard library, so that the rest of the project is no derived work of it.

In: a serial port and the mode 01 commands to read. Out, one JSON object per line:
``ready``, ``value``, ``unsupported``, ``unanswered``, ``codes``, ``lost``, ``end``; each question
gets one of ``value``, ``unsupported``, ``unanswered``, ``codes``. What must not happen:
any command that is not a mode 01 read or the reading of trouble codes (mode 03) is
refused by its name, so CLEAR_DTC and the identifiers of mode 09 cannot be asked for;
no identifier and no raw answer is written anywhere.
"""

import argparse
import itertools
import json
import logging
import sys
import time
from typing import Any, Final

import obd

USAGE_ERROR: Final = 64
ADAPTER_LOST: Final = 3
_LISTINGS: Final = ("PIDS_A", "PIDS_B", "PIDS_C")
"""Bitmaps of what a car supports tell its model: never read on request."""
_ATTRIBUTES: Final = {"STATUS": ("MIL", "DTC_count")}


CODES_A_LINE: Final = 64


class CarefulCommand(obd.OBDCommand):  # type: ignore[misc]  # python-OBD has no types
    """A command that believes only a whole answer to itself.

    python-OBD drops the first two bytes unread and pads what is short with zeros: a refusal
    (``7F``), a late answer to another command and a clipped one would all become values.
    """

    def __init__(self, plain: Any) -> None:
        super().__init__(
            plain.name, plain.desc, plain.command, plain.bytes,
            _OWN_DECODERS.get(plain.name, plain.decode), plain.ecu, plain.fast, plain.header,
        )  # fmt: skip

    def __call__(self, messages: list[Any]) -> Any:
        """Decode those messages that answer this command (SAE J1979: its mode + 40 hex)."""
        head = bytes([0x40 + self.mode, *([] if self.pid is None else [self.pid])])
        return super().__call__(
            [
                message
                for message in messages
                if message.data[: len(head)] == head and len(message.data) >= self.bytes
            ]
        )


def evap_vapor_pressure(messages: list[Any]) -> Any:
    """PID 32 (SAE J1979): one signed number of 16 bits, in quarters of a pascal.

    python-OBD takes the sign of either byte for itself and is off by 64 Pa in half of all cases.
    """
    quarters = int.from_bytes(messages[0].data[2:4], "big", signed=True)
    return quarters / 4 * obd.Unit.pascal


_OWN_DECODERS: Final = {"EVAP_VAPOR_PRESSURE": evap_vapor_pressure}


def allowed_commands() -> set[str]:
    """Names of the mode 01 reads, ``STATUS.MIL`` and ``STATUS.DTC_count`` among them."""
    names = {command.name for command in obd.commands.modes[1]} - {*_LISTINGS, *_ATTRIBUTES}
    return names | {f"{name}.{part}" for name, parts in _ATTRIBUTES.items() for part in parts}


def narrow() -> None:
    """Remove from python-OBD what it would send by itself or on request beyond modes 01 and 03.

    On connecting it lists modes 06 and 09, and it holds CLEAR_DTC for always supported.
    """
    obd.commands.base_commands = lambda: [obd.commands.PIDS_A, obd.commands.GET_DTC]


def say(kind: str, **fields: Any) -> None:
    """Write one line at once: the other end may be waiting for it."""
    sys.stdout.write(json.dumps({"kind": kind, **fields}) + "\n")
    sys.stdout.flush()


def query(connection: Any, command: Any) -> Any:
    """The answer; one without a value if python-OBD stumbles over what the car or adapter sent.

    A message clipped to its first byte is an IndexError there, and would end the whole session.
    """
    try:
        return connection.query(command)
    except Exception:  # noqa: BLE001  # a dozen kinds, all of one answer; a lost port is no error
        return obd.OBDResponse()


def ask(connection: Any, name: str) -> bool:
    """Read one command and write its value; False if the car does not support it."""
    base, _, attribute = name.partition(".")
    command = CarefulCommand(obd.commands[base])
    if not connection.supports(command):
        say("unsupported", command=name)
        return False
    response = query(connection, command)
    value: Any = response.value
    if attribute:
        value = getattr(value, attribute, None)
    t_ms = int(response.time * 1000)
    if isinstance(value, bool | int):
        say("value", command=name, t_ms=t_ms, value=value, unit="")
    elif hasattr(value, "magnitude"):
        say("value", command=name, t_ms=t_ms, value=float(value.magnitude), unit=str(value.units))
    else:
        say("unanswered", command=name)
    return True


def ask_codes(connection: Any) -> None:
    """Read the stored trouble codes (mode 03) and write them, without their texts."""
    response = query(connection, CarefulCommand(obd.commands.GET_DTC))
    if response.value is None:
        say("unanswered", command="GET_DTC")
        return
    # python-OBD writes the hexadecimal digits of a code in lower case.
    codes = [code.upper() for code, _text in response.value]
    for first in range(0, max(1, len(codes)), CODES_A_LINE):
        part = codes[first : first + CODES_A_LINE]
        say("codes", codes=part, t_ms=int(response.time * 1000))


def read(connection: Any, names: list[str], options: argparse.Namespace) -> int:
    """Ask for everything once a period until the adapter is gone or the rounds are over."""
    say("ready")
    for done in itertools.count():
        if options.rounds and done >= options.rounds:
            say("end")
            return 0
        names = [name for name in names if ask(connection, name)]
        if options.codes_every and done % options.codes_every == 0:
            ask_codes(connection)
        if not connection.is_connected():
            break
        time.sleep(options.period)
    say("lost")
    return ADAPTER_LOST


def main(arguments: list[str]) -> int:
    """Exit status 0: rounds over. 3: adapter or car gone. 64: asked for what is not allowed."""
    parser = argparse.ArgumentParser(prog="ingest.obd.reader")
    parser.add_argument("--port", required=True)
    parser.add_argument("--baud", type=int, default=38400)
    parser.add_argument("--command", action="append", default=[], dest="commands")
    parser.add_argument("--period", type=float, default=1.0, help="seconds between rounds")
    parser.add_argument("--rounds", type=int, default=0, help="0: until the adapter is gone")
    parser.add_argument("--codes-every", type=int, default=0, help="rounds; 0: never")
    options = parser.parse_args(arguments)
    refused = sorted(set(options.commands) - allowed_commands())
    if refused:
        sys.stderr.write(f"refused: {', '.join(refused)}: only mode 01 reads are allowed\n")
        return USAGE_ERROR
    # Its console handler would print raw answers of adapters it does not understand.
    logging.getLogger("obd").setLevel(logging.CRITICAL)
    narrow()
    connection = obd.OBD(options.port, baudrate=options.baud, fast=False, check_voltage=False)
    if not connection.is_connected():
        say("lost")
        return ADAPTER_LOST
    try:
        return read(connection, options.commands, options)
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
