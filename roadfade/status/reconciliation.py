"""What the rows of the ledger cannot say of themselves: whether they tell of everything, once.

In: what the ledger tells of, what the broker has of it, what the store kept. Out: findings, each
with place and remedy, and what could not be compared. Pure. Offsets are the measure on both sides
of a worker: a row that is missing or stands twice leaves its sum whole, but not its offsets.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bus.ports import Lag
from roadfade.ledger_file import Range

At = tuple[str, int]
"""A topic and a partition."""
FINDINGS_MAX: Final = 1_000
"""So many are told; a ledger that is a stranger's has one for each row."""


class RawRead(NamedTuple):
    """How far the workers' group has read a raw partition; None: it never committed there."""

    begin: int
    end: int
    before: int | None
    """Committed before the ledger was read: of all that lies before it the ledger must tell."""
    after: int | None
    """Committed after that: of what lies behind it the ledger must not tell."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One output's readings on both sides of its topic; None: not known.

    A cell of the mesh stands for two readings, a latitude and a longitude. A reading that leaves in
    several records (lanes, legal grounds) is delivered once, and kept as often.
    """

    delivered: int
    """By the workers, as the ledger says."""
    in_store: int | None
    """Readings that the kept rows stand for."""
    swept: int | None
    """Rows that were removed at their end."""
    cells: bool | None
    """Whether a removed row may have stood for two readings."""
    times_max: int | None
    """In how many records one delivered reading may have left."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everything, read in an order in which what flows meanwhile makes no finding."""

    ranges: Sequence[Range]
    raw: Mapping[At, RawRead]
    purposes: Mapping[At, Lag] = field(default_factory=dict)
    """The sink's positions in purpose topics, as its group has them."""
    output_of: Mapping[str, str] = field(default_factory=dict)
    """The output of each purpose topic."""
    stored: Mapping[At, int] = field(default_factory=dict)
    """The next offset to keep, as the store has it; absent: it kept nothing of it."""
    outputs: Mapping[str, Kept] = field(default_factory=dict)
    waiting: int = 0
    """Flow records that are not in the ledger yet."""
    sunk: bool = True
    """Whether all that the ledger tells of lay in the store when the store was counted."""
    quiet: bool = True
    """Whether no worker was at work meanwhile: if not, the store may be ahead of the ledger."""
    expired_on_arrival: int = 0
    """Readings, of any output, that had ended before the sink could keep them."""
    unclear: Sequence[str] = ()
    """Why readings may be missing from the counts of what was kept, as far as is known."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The outcome: sentences. Neither names anybody."""

    findings: tuple[str, ...]
    unknown: tuple[str, ...]
    """What could not be compared, and why: neither right nor wrong."""
    verdicts: Mapping[str, str]
    """By output: ``equal``, ``within bounds``, ``missing``, ``too many`` or ``unknown``."""


def reconcile(accounts: Accounts) -> Reconciled:
    """Hold the ledger against the raw offsets, and the store against the ledger."""
    raw = list(_raw(accounts))
    findings = [*raw, *_purposes(accounts)]
    unknown: list[str] = []
    if accounts.waiting:
        unknown.append(
            f"{accounts.waiting:,} flow records are not in the ledger yet, so its end was not "
            "compared: check that a worker runs, and ask again"
        )
    verdicts: dict[str, str] = {}
    for output, kept in sorted(accounts.outputs.items()):
        why = _cannot(accounts, kept, ledger_whole=not raw)
        if why is not None:
            verdicts[output] = "unknown"
            unknown.append(f"{output}: what was delivered and what was kept: unknown, since {why}")
            continue
        verdicts[output], wrong = _balance(output, kept, accounts)
        findings += wrong
    if len(findings) > FINDINGS_MAX:
        more = len(findings) - FINDINGS_MAX
        findings = [*findings[:FINDINGS_MAX], f"{more:,} findings more are not listed"]
    return Reconciled(tuple(findings), tuple(unknown), verdicts)


def _raw(accounts: Accounts) -> Iterator[str]:
    told: dict[At, list[Range]] = {at: [] for at in accounts.raw}
    for one in sorted(accounts.ranges):
        told.setdefault((one.topic, one.partition), []).append(one)
    for at, ranges in sorted(told.items()):
        read = accounts.raw.get(at)
        if read is None:
            yield (
                f"the ledger tells of {_place(at, ranges[0].first, ranges[-1].last)}, and the "
                "broker has no such partition: it is the ledger of another installation, or the "
                "topic was made anew; check the settings and the state folder"
            )
            continue
        due = yield from _in_order(at, ranges)
        yield from _end(at, read, due, accounts)


def _in_order(at: At, ranges: Sequence[Range]) -> Generator[str, None, int]:
    """Gaps and overlaps of ranges that are in order; returns the offset after the last."""
    due = 0
    for one in ranges:
        if one.first > due:
            yield _untold(at, due, one.first - 1)
        elif one.first < due:
            yield (
                f"the ledger tells twice of {_place(at, one.first, min(due - 1, one.last))}: their "
                "readings are counted double, which is a defect; stop the workers, and keep a copy "
                "of the ledger's file and of their logs"
            )
        due = max(due, one.last + 1)
    return due


def _end(at: At, read: RawRead, due: int, accounts: Accounts) -> Iterator[str]:
    committed = read.after or 0
    must_tell = max(read.before or 0, read.begin)
    if due > read.end:
        yield (
            f"the ledger tells of {_place(at, read.end, due - 1)}, but the topic ends at "
            f"{read.end}: it was made anew or lost its end. Keep a copy of the ledger's file now: "
            "if it lost its end, the rows of new records take the place of those of the old ones"
        )
    elif due > committed:
        yield (
            f"the ledger tells of {_place(at, committed, due - 1)}, which no worker has "
            "committed: a worker ended in between, or the group's offsets were set back. Start "
            "`roadfade worker`: these records are processed again, and counted once"
        )
    elif due < must_tell and not accounts.waiting:
        yield _untold(at, due, must_tell - 1)


def _untold(at: At, first: int, last: int) -> str:
    return (
        f"the ledger tells nothing of {_place(at, first, last)}: they were deleted unread or set "
        "aside (`roadfade_expired_unread_total` and `roadfade_quarantined_total` of the workers "
        "say how many), or the ledger's file lost their rows: put it back from a backup, which "
        "`roadfade audit reconcile --ledger FILE` checks before"
    )


def _purposes(accounts: Accounts) -> Iterator[str]:
    for at, lag in sorted(accounts.purposes.items()):
        stored = accounts.stored.get(at)
        due = stored or 0
        if due > lag.end:
            yield (
                f"the lake kept {_place(at, lag.end, due - 1)}, but the topic ends at {lag.end}: "
                f"it was made anew or lost its end; `roadfade lake adopt {at[0]}` keeps what lies "
                "there now"
            )
        if due < lag.begin:
            yield (
                f"the lake never kept {_place(at, due, lag.begin - 1)}, and the topic has deleted "
                "them: they are lost. See in the sink's log why it was late, or put the lake back "
                "from a backup"
            )
        first, past = max(due, lag.begin), lag.committed or 0
        if first < past:
            remedy = (
                f"set the offsets of the group roadfade-sink back to {first}, then start the sink"
                if stored is None
                else "start the sink again: it reads on from what the lake holds"
            )
            yield (
                f"the sink committed {_place(at, first, past - 1)}, and the lake did not keep "
                f"them: {remedy}"
            )


def _cannot(accounts: Accounts, kept: Kept, *, ledger_whole: bool) -> str | None:
    """Why nothing can be said of an output's readings; None if something can."""
    if not ledger_whole:
        return "the ledger is not whole"
    if accounts.waiting:
        return "flow records are not in the ledger yet"
    if not accounts.sunk:
        return "records wait for the sink"
    if accounts.unclear:
        return " and ".join(accounts.unclear)
    if None in (kept.in_store, kept.swept, kept.cells, kept.times_max):
        return "the lake, the ledger's removed rows or a version of the policy cannot be read"
    return None


def _balance(output: str, kept: Kept, accounts: Accounts) -> tuple[str, list[str]]:
    """The verdict, and what is wrong; every figure is known here."""
    swept = kept.swept or 0
    least = (kept.in_store or 0) + swept
    most = least + (swept if kept.cells else 0) + accounts.expired_on_arrival
    allowed = kept.delivered * (kept.times_max or 1)
    if most < kept.delivered:
        said = (
            f"{output}: workers delivered {kept.delivered:,} readings, and the lake has, or has "
            f"removed at their end, {most:,} at most: readings are lost. If the lake was put back "
            "from a backup, it lacks them; otherwise keep the sink's log, and report it"
        )
        return "missing", [said]
    if least > allowed and accounts.quiet:
        said = (
            f"{output}: workers delivered {kept.delivered:,} readings, which make {allowed:,} at "
            f"most, and the lake has, or has removed at their end, {least:,} at least: records "
            "were kept twice, or somebody else wrote them. See `roadfade_sink_duplicates_total` "
            "and who may write to the purpose's topic"
        )
        return "too many", [said]
    exact = least == most == kept.delivered == allowed
    return "equal" if exact else "within bounds", []


def _place(at: At, first: int, last: int) -> str:
    topic, partition = at
    offsets = f"offset {first}" if first == last else f"offsets {first} to {last}"
    return f"{topic} partition {partition}, {offsets}"
