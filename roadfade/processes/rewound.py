"""A topic that went back behind the lake's position: the sink stops, and does not start again.

After a restart the topic may have grown past that position, and nothing would show any more
what lies below it. So the find is kept in a file beside the lake.
"""

from pathlib import Path
from typing import Final

from bus.failures import TopicRewoundError
from roadfade.refusal import NotReady

FILE: Final = "sink-topic-rewound"
"""In ``state_dir``; it holds the name of the topic."""


def refusal(topic: str, read_to: int, now: str) -> NotReady:
    """Why the sink must not keep this topic in this lake, and what to do."""
    return NotReady(
        f"{topic} was recreated or truncated: the lake has read to {read_to}, {now}. Keep this "
        "lake until its rows have expired (`roadfade sweep` goes on), and give the new topics a "
        "lake of their own (state_dir)"
    )


def mark(state_dir: Path, found: TopicRewoundError) -> NotReady:
    """Remember the find; the refusal to raise. Blocks."""
    (state_dir / FILE).write_text(f"{found.topic} {found.due} {found.found}\n", encoding="utf-8")
    return refusal(found.topic, found.due, f"the topic went on at {found.found}")


def check_mark(state_dir: Path) -> None:
    """NotReady if such a find was made with this lake before. Blocks."""
    try:
        said = (state_dir / FILE).read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return
    match said:
        case [topic, due, found] if due.isdigit() and found.isdigit():
            raise refusal(topic, int(due), f"the topic went on at {found}")
        case _:
            msg = f"{state_dir / FILE} says that a topic was recreated, and cannot be read further"
            raise NotReady(msg)
