"""What ``roadfade policy diff`` shows to people."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from assessment.risk_shares import Risk, Share
from policy.diff.approvals import approval_words
from policy.diff.change import Difference


def diff_lines(difference: Difference) -> Iterator[Text]:
    """One sentence a change, then how a widening is approved."""
    for change in difference.changes:
        style = "red" if change.undecided else "yellow" if change.widens else "green"
        yield Text(change.sentence, style=style)
    if not difference.changes:
        yield Text("nothing changes", style="green")
    if not difference.undecided:
        return
    unnoticed = [change for change in difference.undecided if change.needs_notice]
    if unnoticed:
        yield Text(
            f"{len(unnoticed)} changes need a notice of a new number, which asks people anew; "
            "no approval stands for it"
        )
    undecided = [change for change in difference.undecided if not change.needs_notice]
    if undecided:
        yield Text(f"{len(undecided)} widenings need a decision; record it as:")
    for change in undecided:
        place = "policy.yaml" if change.purpose is None else f"purposes/{change.purpose}.yaml"
        words = approval_words(change)[0]
        yield Text(
            f"  {place}: approvals: [{{change: '{words}', decision: applies_to_new_data, "
            "by: …, on: …}]"
        )


_SAID = {
    "linkable": "records under two purposes can be joined by content",
    "over_epochs": "records under two pseudonyms can be joined by places",
    "homes": "the home can be inferred",
}


def risk_lines(old: Risk, new: Risk) -> Iterator[Text]:
    """What the change does to linkage and homes, as ``0.4 % → 93.0 % of 200 vehicles``."""
    for name, said in _SAID.items():
        before, after = getattr(old, name), getattr(new, name)
        worse = after.hits * before.of > before.hits * after.of
        line = f"{said}: {before} → {after} of {after.of} vehicles"
        yield Text(line, style="red" if worse else "")
    for part in ("pairs", "seers"):
        shares = getattr(old, part), getattr(new, part)
        for name in dict.fromkeys((*shares[0], *shares[1])):
            was, now = shares[0].get(name), shares[1].get(name)
            if str(was) != str(now):
                yield Text(f"  {name}: {was or 'none'} → {now or 'none'}")


def risk_json(old: Risk, new: Risk) -> dict[str, Any]:
    """The same as JSON: percentages before and after."""
    whole: dict[str, Any] = {
        name: _before_after(getattr(old, name), getattr(new, name)) for name in _SAID
    }
    for part in ("pairs", "seers"):
        shares = getattr(old, part), getattr(new, part)
        names = dict.fromkeys((*shares[0], *shares[1]))
        whole[part] = {n: _before_after(shares[0].get(n), shares[1].get(n)) for n in names}
    return whole


def _before_after(old: Share | None, new: Share | None) -> dict[str, Any]:
    known = new or old
    return {
        "before": _percent(old),
        "after": _percent(new),
        "vehicles": 0 if known is None else known.of,
    }


def _percent(share: Share | None) -> float | None:
    return None if share is None or not share.of else round(100 * share.hits / share.of, 2)
