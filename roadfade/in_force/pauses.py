"""Why whoever reads a control topic waits, in words that metrics and logs label with."""

from typing import Literal, get_args

View = Literal["stale", "incomplete", "unreadable"]
"""What keeps a view from deciding."""


def pause_of(topic: str, view: View) -> str:
    """The reason for which whoever reads a topic waits, by what its view is."""
    return f"{view} {topic}"


def pauses_of(topic: str) -> list[str]:
    """Every reason to pause that a topic's view can give."""
    return [pause_of(topic, view) for view in get_args(View)]
