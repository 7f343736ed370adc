"""What was done, as a chain that anybody can check: each entry names the one before. Pure.

In: entries in their order. Out: the lines of a file that leaves the house, and what is wrong with
such a file. An entry is signed (Ed25519) as the bytes it is; its SHA-256 stands in the next one. A
head names the last entry of a chain: published, it shows that a later file was not cut.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

FIRST_HASH: Final = "0" * 64
"""What the first entry has before it."""
NO_REQUEST: Final = "-"
LINE: Final = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{128}) (\{[^\n]*\})")
"""Hash, signature, entry."""
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Sign = Callable[[bytes], bytes]

What = Literal[
    "asked",
    "denied",
    "erased",
    "ended",
    "unlocatable",
    "unlinked",
    "held",
    "gone",
    "closed",
    "unheld",
    "rekeyed",
]
"""Asked; D1: denied to everybody; a store has nothing left; a copy ended by its bound; keys were
destroyed before; links and consents are forgotten; a legal hold keeps a sealed copy; D2: no other
copy is left; commands are taken back; the hold is released, and its copy unreadable; a new key
begins here: the former one was lost."""


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One receipt. It holds numbers, instants and random names; nobody stands in it."""

    number: int
    previous: Hash
    at_ms: int
    """When the office wrote it, milliseconds UTC."""
    erasure: str
    """The request's number; of a new key ``NO_REQUEST``."""
    what: What
    kind: str | None = None
    """Of the first: what brought the request about, in the register's words."""
    copy: str | None = None
    """Which copy: a store by its name, a topic by its own."""
    output: str | None = None
    located_before: int | None = None
    """Rows, or keys that were destroyed before."""
    located_after: int | None = None
    digest: str | None = None
    """SHA-256 over what the store rewrote."""
    done_ms: int | None = None
    """When the copy had ended, by the clock of whoever keeps it; milliseconds UTC."""
    opening: Hash | None = None
    """HMAC-SHA256(the person's nonce, number and subject): who has the nonce shows it is theirs."""
    d1_ms: int | None = None
    d2_ms: int | None = None
    d3: str | None = None
    """What is known of backups, in a word."""


class Receipt(NamedTuple):
    """An entry as the bytes that were signed."""

    entry: bytes
    hash: str
    signature: str

    @property
    def line(self) -> bytes:
        """Its line in a file, without the end of line."""
        return b"%b %b %b" % (self.hash.encode(), self.signature.encode(), self.entry)


class Head(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a chain stood on a day; published, it cannot be taken back."""

    day: str
    """As 2026-11-30, UTC."""
    number: int
    hash: str
    signature: str

    @property
    def signed(self) -> bytes:
        """The bytes under its signature."""
        return _head_bytes(self.day, self.number, self.hash)


def sealed(entry: Entry, sign: Sign) -> Receipt:
    """An entry, hashed and signed."""
    value = msgspec.json.encode(entry)
    return Receipt(value, hash_of(value), sign(value).hex())


def hash_of(entry: bytes) -> str:
    """SHA-256, hexadecimal: the next entry's ``previous``."""
    return hashlib.sha256(entry).hexdigest()


def head_of(day: str, number: int, hashed: str, sign: Sign) -> Head:
    """The head of a chain that ends with this entry."""
    signature = sign(_head_bytes(day, number, hashed)).hex()
    return Head(day=day, number=number, hash=hashed, signature=signature)


def opening(nonce: bytes, erasure: str, subject: str) -> str:
    """What the first entry of a request says of the person, open to nobody without the nonce."""
    return hmac.digest(nonce, f"{erasure}|{subject}".encode(), "sha256").hex()


def mine(entries: Sequence[Entry], nonce: bytes, subject: str) -> list[Entry]:
    """The entries of the request that this nonce opens for this person; none if it opens none."""
    numbers = {
        entry.erasure
        for entry in entries
        if entry.opening == opening(nonce, entry.erasure, subject)
    }
    return [entry for entry in entries if entry.erasure in numbers]


def file_of(receipts: Sequence[Receipt]) -> bytes:
    """The file of a chain: a line for each receipt."""
    return b"".join(receipt.line + b"\n" for receipt in receipts)


class Told(NamedTuple):
    """A line of a file: the receipt, and the entry in it."""

    receipt: Receipt
    entry: Entry


def read(file: bytes) -> tuple[list[Told], list[str]]:
    """Receipts of a file, and which of its lines hold none."""
    found, faults = list[Told](), list[str]()
    if file and not file.endswith(b"\n"):
        faults.append("the file ends within a line: its end is cut off")
    for number, line in enumerate(file.removesuffix(b"\n").split(b"\n") if file else (), start=1):
        told = _told(line)
        if told is None:
            faults.append(f"line {number} holds no receipt")
        else:
            found.append(told)
    return found, faults


def verify(
    file: bytes, public_key: bytes, *heads: Head, former: Collection[bytes] = ()
) -> list[str]:
    """Everything that is wrong with a chain, in words; nothing: it is whole and ours. Offline.

    In: a file as ``file_of`` makes it, the public key (32 bytes), and heads that were published. A
    byte, an entry or an order that was changed is found; a tail that was cut, by a head alone.
    ``former``: keys that were lost since. Without them nobody says who signed what stands before an
    entry that says so (``new_keys``); that it was not changed since, the new key's signature does.
    """
    keys = _Keys(
        Ed25519PublicKey.from_public_bytes(public_key),
        tuple(map(Ed25519PublicKey.from_public_bytes, former)),
    )
    found, faults = read(file)
    keys = keys._replace(begin=max((one for one in _rekeyed(found, keys.key)), default=0))
    faults += _faults_of_entries(found, keys)
    hashes = {told.entry.number: told.receipt.hash for told in found}
    for head in heads:
        faults += _faults_of_head(hashes, keys, head)
    return faults


def new_keys(file: bytes) -> list[int]:
    """The entries that say that a new key begins there, since the former one was lost."""
    return [told.entry.number for told in read(file)[0] if told.entry.what == "rekeyed"]


class _Keys(NamedTuple):
    """What a chain is signed with."""

    key: Ed25519PublicKey
    former: tuple[Ed25519PublicKey, ...]
    begin: int = 0
    """The entry with which ``key`` begins, if a former one was lost."""

    def signed(self, number: int, signature: str, content: bytes) -> bool:
        """Whether what stands at a number is signed as it has to be, as far as that is known."""
        if _signed(self.key, signature, content):
            return True
        if number >= self.begin:
            return False
        return not self.former or any(_signed(one, signature, content) for one in self.former)


def _rekeyed(found: Sequence[Told], key: Ed25519PublicKey) -> Iterator[int]:
    """The entries with which this key says of itself that it is new."""
    for receipt, entry in found:
        if entry.what == "rekeyed" and _signed(key, receipt.signature, receipt.entry):
            yield entry.number


def _told(line: bytes) -> Told | None:
    matched = LINE.fullmatch(line)
    if matched is None:
        return None
    hashed, signature, value = matched.groups()
    try:
        entry = msgspec.json.decode(value, type=Entry)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return Told(Receipt(value, hashed.decode(), signature.decode()), entry)


def _faults_of_entries(found: Sequence[Told], keys: _Keys) -> Iterator[str]:
    previous = FIRST_HASH
    for number, (receipt, entry) in enumerate(found, start=1):
        if hash_of(receipt.entry) != receipt.hash:
            yield f"entry {number} is not what its hash says"
        if not keys.signed(entry.number, receipt.signature, receipt.entry):
            yield f"entry {number} is not signed by this key"
        if entry.number != number:
            yield f"entry {entry.number} stands as the {number}th: some are missing, or moved"
        if entry.previous != previous:
            yield f"entry {number} does not follow the one before it"
        previous = receipt.hash


def _faults_of_head(hashes: Mapping[int, str], keys: _Keys, head: Head) -> Iterator[str]:
    if not keys.signed(head.number, head.signature, head.signed):
        yield f"the head of {head.day} is not signed by this key"
        return
    if head.number == 0:
        return
    stands = hashes.get(head.number)
    if stands is None:
        yield f"entry {head.number} is missing, which stood there on {head.day}"
    elif stands != head.hash:
        yield f"entry {head.number} is not the one that stood there on {head.day}"


def _signed(key: Ed25519PublicKey, signature: str, content: bytes) -> bool:
    try:
        key.verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _head_bytes(day: str, number: int, hashed: str) -> bytes:
    return f"roadfade receipts|{day}|{number}|{hashed}".encode()
