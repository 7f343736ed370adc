"""A dry run as one page that stands alone: what each purpose gets of a drive, before and after.

The page holds the drive as it was measured: it is for the person who has the recording.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pages.markup import Html, join, page, table, tag
from pages.phrases import duration_words, period_words
from pages.reasons import reason_words
from pages.titles import Titles
from policy.bilingual import Language
from policy.document import Document
from policy.plan import Output
from roadfade.assumed import assumed_words
from roadfade.drive_map import drive_map, ways
from roadfade.drive_plot import plot
from roadfade.dry_run import DryRun
from telemetry.record import LATITUDE, LONGITUDE, MESH

PLOTS_MAX: Final = 24
"""Per output; the table names the rest."""

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("What remains of a drive", "走行の記録から何が残るか"),
    "lead": (
        "A recorded drive, put through the policy: each part is all that one purpose would get.",
        "記録した走行を一つ、ポリシーに通しました。以下の各項が、それぞれの目的に渡るすべてです。",
    ),
    "raw": (
        "This page contains the drive as it was measured. Treat it like the recording itself.",
        "このページには測定したままの走行が入っています。元の記録と同じように扱ってください。",
    ),
    "came": ("{} readings in {} envelopes. ", "測定値{}件、封筒{}通。"),
    "overview": ("Overview", "一覧"),
    "purpose": ("Purpose", "目的"),
    "recipient": ("Recipient", "受け取る人"),
    "remains": ("Remains", "残る割合"),
    "withheld": ("Withheld, and why", "渡さないものと理由"),
    "measured": ("As measured", "測定したまま"),
    "told": ("What is told", "渡るもの"),
    "nothing": ("Nothing of this drive.", "この走行からは何も渡りません。"),
    "kept": ("kept at most {}", "保存は最長{}"),
    "map": ("The way: dashed as measured, filled as told", "道のり。点線は測定、塗りは渡るもの"),
    "plot": (
        "{}: line as measured, bars as told (time within {})",
        "{}: 線は測定、帯は渡るもの、時刻は{}単位",
    ),
    "rejected": ("Not admitted at all", "受け入れなかったもの"),
    "no_place": ("no position is told", "位置は渡りません"),
}


def dry_run_page(done: DryRun, document: Document, language: Language) -> str:
    """The page in one language."""
    say = _Say(document, language)
    plan = done.plan
    facts = say("came").format(f"{done.readings:,}", f"{done.envelopes:,}")
    return page(
        language,
        say("title"),
        tag("h1", say("title")),
        tag("p", say("lead")),
        tag("p", say("raw"), class_="note"),
        tag("p", f"{plan.policy} {plan.policy_version}: {facts}",
            assumed_words(done.role, language, agreed=done.agreed), class_="dim"),
        tag("h2", say("overview")),
        _overview(done, say),
        _rejected(done, say),
        _measured(done, say),
        *(_output(done, output, say) for output in plan.outputs),
    )  # fmt: skip


class _Say:
    """The words of the page in one language."""

    def __init__(self, document: Document, language: Language) -> None:
        self.language = language
        self._titles = Titles(document, language)

    def __call__(self, key: str) -> str:
        return _WORDS[key][self.language == "ja"]

    def title(self, output: Output) -> str:
        """The title of an output's purpose."""
        return self._titles.purpose(output.purpose)

    def who(self, output: Output) -> str:
        """Who receives an output."""
        return self._titles.who(output.purpose, output.recipient)

    def list(self, parts: Iterable[str]) -> str:
        """Parts one after the other."""
        return ("、" if self.language == "ja" else ", ").join(parts)

    def counts(self, by_reason: Mapping[str, int]) -> str:
        """Reasons with their counts, the most frequent first."""
        most = sorted(by_reason.items(), key=lambda item: -item[1])
        return self.list(f"{reason_words(why, self.language)}: {count:,}" for why, count in most)


def _overview(done: DryRun, say: _Say) -> Html:
    head = [say(key) for key in ("purpose", "recipient", "remains", "withheld")]
    rows = []
    for output in done.plan.outputs:
        flow = done.ledger[output.id]
        link = tag("a", say.title(output), href=f"#{output.id}")
        share = _share(flow.delivered, flow.entered)
        rows.append([link, say.who(output), share, say.counts(flow.withheld)])
    return table(say("overview"), head, rows)


def _share(part: int, whole: int) -> str:
    return f"{part:,} / {whole:,} ({100 * part / whole:.1f}%)" if whole else "0"


def _rejected(done: DryRun, say: _Say) -> Html:
    if not done.rejected:
        return Html("")
    return tag("p", f"{say('rejected')}: {say.counts(done.rejected)}", class_="bad")


def _measured(done: DryRun, say: _Say) -> Html:
    drawn = drive_map(say("measured"), ways(done.before), None)
    if drawn is None:
        return Html("")
    figure = tag("figure", drawn, tag("figcaption", say("measured")))
    return join(tag("h2", say("measured")), tag("div", figure, class_="grid"))


def _output(done: DryRun, output: Output, say: _Say) -> Html:
    flow = done.ledger[output.id]
    title = f"{say.title(output)}: {say.who(output)}"
    lives = (period_words(lane.period, say.language) for lane in output.lanes)
    kept = say("kept").format(say.list(dict.fromkeys(lives)))
    facts = say.list([_share(flow.delivered, flow.entered), kept])
    head = [tag("h2", title, id=output.id), tag("p", facts)]
    figures = list(_figures(done, output, say))
    body = tag("div", *figures, class_="grid") if figures else tag("p", say("nothing"))
    return join(*head, body)


def _figures(done: DryRun, output: Output, say: _Say) -> Iterator[Html]:
    told = done.after[output.id]
    if MESH in told or LATITUDE in told:
        drawn = drive_map(say("map"), ways(done.before), told)
        if drawn is not None:
            yield tag("figure", drawn, tag("figcaption", say("map")))
    paths = [path for path in told if path not in (MESH, LATITUDE, LONGITUDE)]
    for path in paths[:PLOTS_MAX]:
        floor_ms = done.floors_ms[output.id, path]
        caption = say("plot").format(path, duration_words(floor_ms, say.language))
        drawn = plot(caption, done.before.get(path, ()), told[path], floor_ms, say.language)
        if drawn is not None:
            yield tag("figure", drawn, tag("figcaption", caption))
