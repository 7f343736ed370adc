"""A dry run as one self-contained page: what each purpose gets of a drive, before and after.

The page holds the drive as it was measured: it is for the person who has the recording.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from assessment.drive_map import drive_map, ways
from assessment.drive_plot import Axes, plot
from assessment.dry_run import DryRun
from pages.markup import Drawing, page
from pages.words.phrases import ROLE_PHRASES, duration_words
from pages.words.reasons import reason_words
from pages.words.titles import Titles
from pages.words.translation import Translation
from policy.language.document import Document
from policy.plan.plan import Output
from policy.vocabulary.bilingual import Language
from telemetry.wire.control import Role
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH


def assumed_words(role: Role, words: Translation, *, agreed: bool) -> str:
    """Whose drive it is taken to be, and what they agreed to."""
    people = words.gettext(ROLE_PHRASES[role])
    if agreed:
        return words.gettext(
            "Taken for %(people)s, as if everybody had agreed to everything.", people=people
        )
    return words.gettext(
        "Taken for %(people)s, as if nobody had agreed to anything.", people=people
    )


PLOTS_MAX: Final = 24
"""Per output; the table names the rest."""


class _Output(NamedTuple):
    id: str
    purpose: str
    recipient: str
    remains: str
    unagreed: str
    """What would remain if nothing had been agreed to."""
    withheld: str
    facts: str
    figures: list[Drawing]


def dry_run_page(done: DryRun, document: Document, language: Language) -> str:
    """The page in one language."""
    titles = Titles(document, language)
    words = titles.words
    return page(
        "dry_run.html.j2",
        language,
        version=f"{done.plan.policy} {done.plan.policy_version}",
        readings=words.number(done.readings),
        envelopes=words.number(done.envelopes),
        agreed=done.agreed,
        assumed=assumed_words(done.role, words, agreed=done.agreed),
        rejected=_counts(done.rejected, words),
        measured=drive_map(words.gettext("As measured"), ways(done.before), None),
        outputs=[_output(done, output, titles) for output in done.plan.outputs],
    )


def _counts(by_reason: Mapping[str, int], words: Translation) -> str:
    """Reasons with their counts, the most frequent first."""
    most = sorted(by_reason.items(), key=lambda item: -item[1])
    return words.listed(
        words.gettext("%(about)s: %(told)s", about=reason_words(why, words), told=words.number(n))
        for why, n in most
    )


def _output(done: DryRun, output: Output, titles: Titles) -> _Output:
    flow, words = done.ledger[output.id], titles.words
    remains = words.share(flow.delivered, flow.entered)
    periods = words.listed(dict.fromkeys(words.period(lane.period) for lane in output.lanes))
    kept = words.gettext("kept at most %(periods)s", periods=periods)
    return _Output(
        id=output.id,
        purpose=titles.purpose(output.purpose),
        recipient=titles.who(output.purpose, output.recipient),
        remains=remains,
        unagreed=words.share(done.unagreed[output.id].delivered, flow.entered)
        if done.agreed
        else "",
        withheld=_counts(flow.withheld, words),
        facts=words.listed([remains, kept]),
        figures=[figure for figure in _figures(done, output, titles) if figure is not None],
    )


def _figures(done: DryRun, output: Output, titles: Titles) -> Iterator[Drawing | None]:
    words, after = titles.words, done.after[output.id]
    categories = {rule.signal: rule.category for lane in output.lanes for rule in lane.rules}
    if MESH in after or LATITUDE in after:
        label = words.gettext("The way: dashed as measured, filled as told")
        yield drive_map(label, ways(done.before), after)
    paths = [path for path in after if path not in (MESH, LATITUDE, LONGITUDE)]
    for path in paths[:PLOTS_MAX]:
        floor_ms = done.floors_ms[output.id, path]
        label = words.gettext(
            "%(data)s, %(signal)s: line as measured, bars as told (time within %(duration)s)",
            data=titles.item(categories[path]),
            signal=path,
            duration=duration_words(floor_ms, words),
        )
        unit = words.symbol(done.plan.catalogue[path].unit)
        yield plot(Axes(label, unit, floor_ms), done.before.get(path, ()), after[path], words)
