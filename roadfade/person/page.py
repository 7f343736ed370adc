"""A person's own readings as one page for each language: what is kept, for whom, until when.

The page holds the readings as the store has them: it is for that person alone.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from assessment.drive_map import drive_map, ways
from assessment.drive_plot import Axes, plot
from assessment.dry_run import DriveReadings
from office.erasure.of_person import OfPerson
from pages.cell_rows import rows, shown_cells
from pages.markup import Drawing, page
from pages.words.phrases import GROUNDS, ROLE_PHRASES
from pages.words.titles import Titles
from policy.compiled import CompiledPolicy
from policy.vocabulary.bilingual import Language
from policy.vocabulary.terms import BasisKind
from roadfade.person.evidence import kept_evidence
from roadfade.person.export_files import DRAWN_MAX, ExportedOutput
from roadfade.person.times import Times
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH

CELLS_SHOWN: Final = slice(0, 3)
"""Of a line of the notice: data, fineness, period. Who receives it stands above."""
PLOTS_MAX: Final = 24


class _Shown(NamedTuple):
    id: str
    purpose: str
    recipient: str
    kinds: list[list[str]]
    facts: str
    newest: str
    """That only the newest are drawn; empty if all are."""
    files: list[str]
    figures: list[Drawing]


def person_page(
    person: OfPerson,
    exported: Sequence[ExportedOutput],
    policy: CompiledPolicy,
    language: Language,
    unlocatable: int,
) -> str:
    """The page; ``unlocatable``: how many keys are destroyed under which more may lie."""
    titles = Titles(policy.document, language)
    words, times = titles.words, Times(policy.document.policy.content.zone)
    return page(
        "person.html.j2",
        language,
        version=f"{policy.plan.policy} {policy.plan.policy_version}",
        contact=policy.document.policy.content.controller.contact,
        vehicles=[
            [
                words.number(number),
                words.gettext(ROLE_PHRASES[link.role]),
                times.told(link.from_ms),
                times.told(link.to_ms),
            ]
            for number, link in enumerate(person.links, 1)
        ],
        consents=[
            [
                titles.purpose(one.purpose),
                words.gettext(GROUNDS[BasisKind(one.basis)]),
                times.told(one.from_ms),
                times.told(one.to_ms),
            ]
            for one in person.consents
        ],
        evidence=list(kept_evidence(policy.plan).said(words)),
        zone=times.name,
        outputs=[_shown(one, policy, titles, times) for one in exported],
        unlocatable=words.number(unlocatable) if unlocatable else "",
    )


def _shown(one: ExportedOutput, policy: CompiledPolicy, titles: Titles, times: Times) -> _Shown:
    output, words = one.output, titles.words
    cells = [c for c in shown_cells(policy.plan, output.purpose) if c.recipient == output.recipient]
    streamed = [cell for cell in cells if cell.delivery.mode == "stream"]
    known = output.purpose in policy.document.pages
    drawn = min(one.readings, DRAWN_MAX)
    return _Shown(
        id=output.id,
        purpose=titles.purpose(output.purpose),
        recipient=titles.who(output.purpose, output.recipient) if known else output.recipient,
        kinds=[row.cells[CELLS_SHOWN] for row in rows(streamed, policy.plan, titles)],
        facts=_facts(one, titles, times),
        newest=words.number(drawn) if drawn < one.readings else "",
        files=list(one.files),
        figures=[figure for figure in _figures(one, policy, titles) if figure is not None],
    )


def _facts(one: ExportedOutput, titles: Titles, times: Times) -> str:
    words = titles.words
    if one.first_ms is None or one.last_ms is None or one.ends_ms is None:
        return words.gettext("Nothing of yours is kept here.")
    return words.gettext(
        "%(count)s readings, from %(first)s to %(last)s; the last of them ends on %(day)s.",
        count=words.number(one.readings),
        first=times.told(one.first_ms),
        last=times.told(one.last_ms),
        day=words.date(times.day(one.ends_ms)),
    )


def _figures(
    one: ExportedOutput, policy: CompiledPolicy, titles: Titles
) -> Iterator[Drawing | None]:
    words, readings = titles.words, _by_signal(one)
    if MESH in readings:
        yield drive_map(words.gettext("Where you were, as it is kept"), [], readings)
    elif LATITUDE in readings:
        yield drive_map(words.gettext("Where you were, as it is kept"), ways(readings), None)
    paths = [path for path in readings if path not in (MESH, LATITUDE, LONGITUDE)]
    catalogue = policy.plan.catalogue
    for path in paths[:PLOTS_MAX]:
        unit = words.symbol(catalogue[path].unit) if path in catalogue else ""
        yield plot(Axes(path, unit, 1), readings[path], (), words)


def _by_signal(one: ExportedOutput) -> DriveReadings:
    found: DriveReadings = {}
    for row in sorted(one.drawn, key=lambda row: row.t_ms):
        value = row.text if row.number is None else row.number
        found.setdefault(row.signal, []).append((row.t_ms, value))
    return found
