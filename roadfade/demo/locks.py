"""The locks of a local run: certificates, a user for each principal, and rights.

In: a folder that nobody else reads, and the plan's principals. Out: settings by principal. Each
process has its own password alone, in its environment; the files are for whoever joins in.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bus.client.access_rights import KafkaRights
from policy.artefacts.acls import ADMIN, GATEWAY, OFFICE, SINK, SWEEP, WORKER, acls
from policy.plan.plan import Plan
from roadfade.in_force.broker import connection_of
from roadfade.in_force.plans import VersionTimeline
from roadfade.in_force.rights import apply_rights, wanted_rights
from roadfade.local.broker_doors import MASTER, Doors
from roadfade.local.certificates import make_certificates, write_secret
from roadfade.settings import Settings

PROCESS_PRINCIPALS: Final = {
    "office": OFFICE,
    "sink": SINK,
    "sweep": SWEEP,
    "worker": WORKER,
    "gateway": GATEWAY,
}
PASSWORD_BYTES: Final = 24
LOCKS_FOLDER: Final = Path("kafka", "locks")
"""Below the run's folder: certificates, and a file with the password of each who joins in."""


@dataclass(frozen=True, slots=True)
class Locks:
    """The doors, and who has which key."""

    folder: Path
    doors: Doors

    def of(self, settings: Settings, principal: str) -> Settings:
        """The same settings as somebody: with that password and no other."""
        return settings.model_copy(
            update={
                "kafka_security": "sasl_ssl",
                "kafka_user": principal,
                "kafka_password": SecretStr(self.doors.passwords[principal]),
                "kafka_password_file": None,
                "kafka_ca_file": self.doors.certificates.authority,
            }
        )

    def joining(self, settings: Settings) -> Settings:
        """As an administrator whose password lies in a file: for those who join in."""
        file = self.password_file(ADMIN)
        own = {"kafka_password": None, "kafka_password_file": file}
        return self.of(settings, ADMIN).model_copy(update=own)

    def by_role(self, settings: Settings) -> dict[str, Settings]:
        """Each process's own."""
        return {role: self.of(settings, who) for role, who in PROCESS_PRINCIPALS.items()}

    def admin(self, settings: Settings) -> Settings:
        """Who looks at topics and groups."""
        return self.of(settings, ADMIN)

    def master(self, settings: Settings) -> Settings:
        """Who gives rights."""
        return self.of(settings, MASTER)

    def password_file(self, principal: str) -> Path:
        """Where the password of somebody who is no process of the run lies."""
        return self.folder / principal


def make_locks(run_folder: Path, plan: Plan) -> Locks:
    """New ones: certificates, and a random password for each principal of the plan. Blocks."""
    folder = run_folder.resolve() / LOCKS_FOLDER
    folder.mkdir(mode=0o700, parents=True)
    certificates = make_certificates(folder, datetime.now(UTC))
    principals = sorted({one.principal for one in acls(plan)})
    passwords = {who: secrets.token_hex(PASSWORD_BYTES) for who in (MASTER, *principals)}
    locks = Locks(folder, Doors(certificates, passwords))
    for who in set(principals) - set(PROCESS_PRINCIPALS.values()):
        write_secret(locks.password_file(who), passwords[who].encode())
    return locks


async def give_rights(master: Settings, line: VersionTimeline) -> int:
    """The rights of the versions, as whoever may give them; how many were missing."""
    wanted = wanted_rights(line, master.topic_prefix)
    async with KafkaRights(connection_of(master)) as rights:
        return len((await apply_rights(rights, wanted, master.topic_prefix)).missing)
