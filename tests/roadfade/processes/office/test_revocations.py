"""The office renews the list of revoked certificates by itself."""

import asyncio
from pathlib import Path

import pytest
from cryptography import x509

from office.certificates import register
from office.certificates.file_authority import make_authority
from office.errors import OfficeError
from office.store.database import Database, make_office
from roadfade import metrics
from roadfade.processes.office.revocations import Revocations
from roadfade.settings import Settings

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000


class Watch:
    """A house with one office; its clock is ours."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(state_dir=folder)
        self.now_ms = NOW_MS
        asyncio.run(make_office(self.settings.office_path))

    def turn(self, revoke: int | None = None) -> None:
        asyncio.run(self._turn(revoke))

    async def _turn(self, revoke: int | None) -> None:
        async with Database.opened(self.settings.office_path) as database:
            if revoke is not None:
                async with database.writing() as connection:
                    ends_ms = self.now_ms + HOUR_MS
                    await register.revoke_serial(connection, revoke, self.now_ms, "asked", ends_ms)
            await Revocations(self.settings, database, lambda: self.now_ms).turn()

    def said(self) -> tuple[set[int], float]:
        found = x509.load_pem_x509_crl(self.settings.crl_path.read_bytes())
        assert found.next_update_utc is not None
        return {one.serial_number for one in found}, found.next_update_utc.timestamp()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


def test_without_an_authority_there_is_no_list_and_no_fault(watch: Watch) -> None:
    watch.turn()
    assert not watch.settings.crl_path.exists()


def test_a_list_lacks_nothing_and_is_renewed_before_it_ends(watch: Watch) -> None:
    make_authority(watch.settings.ca_dir, None, NOW_MS)
    watch.turn()
    assert watch.said() == (set(), NOW_MS / 1000 + 24 * 3600)
    # A command was cut between the database and the list.
    watch.turn(revoke=7)
    assert watch.said()[0] == {7}
    watch.now_ms += 13 * HOUR_MS
    watch.turn()
    serials, ends = watch.said()
    assert (serials, ends) == ({7}, watch.now_ms / 1000 + 24 * 3600)
    assert metrics.REGISTRY.get_sample_value(
        "roadfade_revocations_end_timestamp_seconds"
    ) == pytest.approx(ends)


def test_an_authority_that_cannot_be_opened_is_said(watch: Watch) -> None:
    make_authority(watch.settings.ca_dir, "password", NOW_MS)
    with pytest.raises(OfficeError, match="ROADFADE_DEVICE_CA_PASSWORD"):
        watch.turn()
