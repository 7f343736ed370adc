"""What ``roadfade policy diff`` shows to people."""

from collections.abc import Iterator

from rich.text import Text

from policy.approvals import approval_words
from policy.changes import Difference


def diff_lines(difference: Difference) -> Iterator[Text]:
    """One sentence a change, then how a widening is approved."""
    for change in difference.changes:
        style = "red" if change.undecided else "yellow" if change.widens else "green"
        yield Text(change.sentence, style=style)
    if not difference.changes:
        yield Text("nothing changes", style="green")
    if not difference.undecided:
        return
    yield Text(f"{len(difference.undecided)} widenings need a decision; record it as:")
    for change in difference.undecided:
        place = "policy.yaml" if change.purpose is None else f"purposes/{change.purpose}.yaml"
        words = approval_words(change)[0]
        yield Text(
            f"  {place}: approvals: [{{change: '{words}', decision: applies_to_new_data, "
            "by: …, on: …}]"
        )
