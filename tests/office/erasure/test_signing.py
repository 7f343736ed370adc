"""The key of receipts is made once, and nobody but its owner can read it."""

import threading
from pathlib import Path

import pytest

from office.erasure.signing import Signer
from office.errors import OfficeError


def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    file = tmp_path / "state" / "receipt-key"
    first = Signer.opened(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["receipt-key"]
    again = Signer.opened(file)
    assert again.public_key == first.public_key
    assert again.sign(b"entry") == first.sign(b"entry")


def test_two_that_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    file, found = tmp_path / "receipt-key", list[bytes]()
    barrier = threading.Barrier(4)

    def make() -> None:
        barrier.wait()
        found.append(Signer.opened(file).public_key)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4
    assert len(set(found)) == 1


@pytest.mark.parametrize("content", [b"", b"zz" * 32, b"ab" * 31, b"ab" * 40])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "receipt-key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(OfficeError, match="holds no key"):
        Signer.opened(file)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "receipt-key"
    Signer.opened(file)
    file.chmod(0o640)
    with pytest.raises(OfficeError, match="chmod 600"):
        Signer.opened(file)


def test_it_is_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "receipt-key"
    signer = Signer.opened(file)
    assert file.read_text().strip() not in f"{signer!r} {signer}"
