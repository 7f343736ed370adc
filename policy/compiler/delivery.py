"""Every delivery is complete: streams have pseudonyms, aggregates groups, requests a key."""

from typing import Final

from policy.compiler.context import CompileContext, PlacedCell
from policy.compiler.items import Selected
from policy.language.document import Sheet
from policy.language.problems import Findings
from policy.language.purpose_file import Delivery, Purpose
from policy.plan.cells import belongs_to
from policy.plan.plan import Lane
from policy.vocabulary.terms import Where
from policy.vocabulary.words import format_duration, release_ms
from telemetry.instants import DAY_MS, MINUTE_MS


def check_page(page: Sheet[Purpose], findings: Findings) -> None:
    """The page's own delivery and identity fit together."""
    _check(page.content.delivery, page.where("delivery"), findings)
    identity = page.content.identity
    pseudonymous = identity.form == "pseudonym"
    if page.content.delivery.mode == "stream" and not pseudonymous:
        remedy = "write `identity: {form: pseudonym, of: link, epoch: 3 months}`"
        message = "a stream carries pseudonyms and nothing else"
        findings.error(page.where("identity"), message, identity.form, remedy)
    parts = (identity.epoch is not None, identity.of is not None)
    if not (all(parts) if pseudonymous else not any(parts)):
        remedy = "a pseudonym needs `of: link` and `epoch: 3 months`; any other form has neither"
        findings.error(
            page.where("identity"), "the identity is incomplete or has too many keys", "", remedy
        )


def _check(delivery: Delivery, where: Where, findings: Findings) -> None:
    has = belongs_to(delivery.mode)
    if has.group != (delivery.at_least is not None and delivery.window is not None):
        remedy = "write `{mode: aggregate, at_least: 10, window: 1 month}`; no other mode has them"
        findings.error(where, "`at_least` and `window` belong to aggregates", "", remedy)
    if has.needs != (delivery.needs is not None):
        remedy = "write `{mode: on_request, needs: case}`; no other mode has `needs`"
        findings.error(where, "`needs` belongs to on_request", delivery.mode, remedy)
    if not has.release and delivery.release != "live":
        remedy = "remove `release`: only a stream gathers records"
        findings.error(where, "`release` belongs to streams", delivery.release, remedy)


def check_cell(context: CompileContext, placed: PlacedCell, items: Selected) -> None:
    """The cell's own delivery, the company's bounds on groups, what never enters analytics."""
    page, category, cell, where = placed.page, placed.category, placed.cell, placed.where
    delivery, analytics = items.delivery, context.document.policy.content.analytics
    findings = context.findings
    if cell.delivery is not None:
        _check(cell.delivery, where("delivery"), findings)
        if cell.delivery.mode == "stream" and page.content.delivery.mode != "stream":
            remedy = "let the page stream, and give its other cells a `delivery`"
            findings.error(where("delivery"), "one cell of the page streams", "", remedy)
    if items.signals and delivery.mode == "records":
        message = f"the readings of {category} would become records of the office"
        remedy = "write `delivery: {mode: stream}`, `aggregate` or `on_request` for this cell"
        findings.error(where(), message, delivery.mode, remedy)
    if delivery.mode == "aggregate":
        if delivery.at_least is not None and delivery.at_least < analytics.at_least:
            message = "the group is smaller than the policy's own bound"
            remedy = f"write `at_least: {analytics.at_least}` or more"
            findings.error(where(), message, delivery.at_least, remedy)
        if items.signals:
            message = f"aggregates of {category} are not carried out yet"
            remedy = "no reading leaves for them"
            findings.warn(where(), message, page.content.purpose, remedy)
    if category in analytics.never and (
        delivery.mode == "aggregate" or page.content.dpv in analytics.dpv
    ):
        message = f"{category} never enters analytics, and `{page.content.purpose}` is analytics"
        remedy = f"remove the cell (policy.yaml, analytics: never {', '.join(analytics.never)})"
        findings.error(where(), message, page.content.dpv, remedy)
    if cell.unlinkable is not None:
        _check_unlinkable(placed, findings)


def _check_unlinkable(placed: PlacedCell, findings: Findings) -> None:
    """Design §4: epoch and window of a day at most, and a measurement that passed."""
    page, cell, where = placed.page, placed.cell, placed.where
    epoch, release = page.content.identity.epoch, release_ms(page.content.delivery.release)
    if epoch is None or epoch.months or epoch.days > 1:
        remedy = "write `epoch: 1 day`, or do not call the cell unlinkable"
        findings.error(where("unlinkable"), "a pseudonym lasts too long for it", epoch, remedy)
    if release is None or release > DAY_MS:
        remedy = "write `release: 1 day` or less (not `live`), or do not call the cell unlinkable"
        message = "the release window does not hide the order of records"
        findings.error(where("unlinkable"), message, page.content.delivery.release, remedy)
    if cell.unlinkable is not None and cell.unlinkable.linked_percent > 1:
        remedy = (
            "treat the cell until the measurement shows 1 percent or less, or remove `unlinkable`"
        )
        message = "the measurement did not pass"
        findings.error(where("unlinkable"), message, cell.unlinkable.linked_percent, remedy)


FLOOR_MS_UNSEEN_BY_ARRIVAL: Final = MINUTE_MS
"""Live delivery dates a record to seconds; a floor above this promises less than that."""


def check_release(
    page: Sheet[Purpose], output_id: str, lanes: tuple[Lane, ...], findings: Findings
) -> None:
    """Refuse a floor longer than its window; warn that windows are not carried out yet."""
    floor_ms = max((lane.time_floor_ms for lane in lanes), default=0)
    if floor_ms <= FLOOR_MS_UNSEEN_BY_ARRIVAL:
        return
    delivery, where = page.content.delivery, page.where("delivery")
    window_ms = release_ms(delivery.release)
    longest = format_duration(floor_ms)
    if window_ms is None and delivery.because is None:
        message = f"{output_id} promises times no finer than {longest}, and is released live"
        remedy = f"write `release: {longest}`, or give the reason why it must be live: `because: …`"
        findings.error(where, message, delivery.release, remedy)
    elif window_ms is not None and floor_ms > window_ms:
        message = f"{output_id} promises times no finer than {longest}, longer than its window"
        remedy = f"write `release: {longest}`, or `release: live` with `because: …`"
        findings.error(where, message, delivery.release, remedy)
    else:
        message = f"{output_id} is released live, so its arrival dates records more finely than"
        message += f" the floor of {longest}"
        remedy = "release windows are not carried out yet; let only few read the topic"
        findings.warn(where, message, delivery.release, remedy)
