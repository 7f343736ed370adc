from dataclasses import dataclass, field, replace

from policy.plan.digest import PART, UNSEEN, digest, known_as, plain
from tests.support.documents import plan_of


@dataclass(frozen=True)
class How:
    mode: str = field(metadata=known_as("delivery"))
    needs: str = ""


@dataclass(frozen=True)
class Table:
    id: str
    how: How = field(metadata=PART)
    line: int = field(default=0, metadata=UNSEEN)
    where: str = ""


def test_parts_are_their_owners_and_places_are_unseen() -> None:
    made = plain(Table("a", How("stream"), line=3, where="page:1"))
    assert made == {"is": "Table", "id": "a", "delivery": "stream", "needs": ""}


def test_a_change_within_a_part_changes_the_digest_of_the_plan() -> None:
    plan = plan_of()
    cell = plan.cells[0]
    longer = replace(cell, retention=replace(cell.retention, trigger="contract_end"))
    elsewhere = replace(cell, line=cell.line + 1)
    digests = [
        digest(replace(plan, cells=(one, *plan.cells[1:]))) for one in (cell, elsewhere, longer)
    ]
    assert digests[0] == digests[1] != digests[2]
