"""A command that signs, as an operator's would: ``signs.py FOLDER HOW sign|revoked``.

``HOW`` says what it does wrong.
"""

import ipaddress
import os
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from office.certificates.authority import ListWanted, Revoked
from office.certificates.file_authority import FileAuthority
from office.certificates.wanted import Use, Wanted
from telemetry.instants import parse_instant
from tests.support.certificates import request_of


def signed(authority: FileAuthority, how: str) -> bytes:
    request = x509.load_der_x509_csr(sys.stdin.buffer.read())
    told = os.environ
    use = Use(told["ROADFADE_CERTIFICATE_FOR"])
    names = [_name(one) for one in told["ROADFADE_CERTIFICATE_NAMES"].split(",")]
    from_ms = parse_instant(told["ROADFADE_CERTIFICATE_FROM"])
    to_ms = parse_instant(told["ROADFADE_CERTIFICATE_TO"])
    if how == "key":
        request = request_of(ec.generate_private_key(ec.SECP256R1()))
    if how == "name":
        names = [x509.UniformResourceIdentifier("urn:roadfade:device:another")]
    if how == "names":
        names.append(x509.DNSName("gateway.example"))
    if how == "use":
        use = Use.SERVER
    if how == "longer":
        to_ms += 86_400_000
    if how == "later":
        from_ms += 7_200_000
    return authority.sign(request, Wanted(use, names, from_ms, to_ms)).public_bytes(Encoding.PEM)


def listed(authority: FileAuthority, how: str) -> bytes:
    told = os.environ
    revoked = []
    for line in sys.stdin.read().splitlines():
        serial, instant = line.split()
        revoked.append(Revoked(int(serial, 16), parse_instant(instant)))
    if how == "lacks":
        revoked = revoked[1:]
    to_ms = parse_instant(told["ROADFADE_LIST_TO"]) + (86_400_000 if how == "longer" else 0)
    number, from_ms = int(told["ROADFADE_LIST_NUMBER"]), parse_instant(told["ROADFADE_LIST_FROM"])
    made = authority.revocations(ListWanted(revoked, number, from_ms, to_ms))
    return made.public_bytes(Encoding.PEM)


def _name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    if kind == "URI":
        return x509.UniformResourceIdentifier(value)
    return x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value)


def main() -> None:
    folder, how, word = sys.argv[1:]
    if how == "silent":
        time.sleep(60)
    if how == "fails":
        sys.exit(3)
    if how == "noise":
        sys.stdout.write("Enter PIN:")
        return
    authority = FileAuthority.opened(Path(folder))
    made = signed(authority, how) if word == "sign" else listed(authority, how)
    sys.stdout.write(made.decode())


if __name__ == "__main__":
    main()
