"""categories.yaml, precision.yaml and notices: what belongs together, how fine, in which words."""

from typing import Annotated

from pydantic import Field

from policy.language.fields import (
    CategoryId,
    Day,
    DurationWords,
    FrameWords,
    Name,
    NoticeRef,
    SpaceWords,
    Strict,
)
from policy.vocabulary.bilingual import Bilingual

FACTS_EXAMPLE = "{email: {ja: メールアドレス, en: e-mail}}"


class Category(Strict):
    """A kind of data. Signals, facts and frames are named here and nowhere else.

    Signals are given by path or by ``pids`` (the catalogue's OBD command names); facts are
    what people state about themselves, each with its name for people; frames are raw CAN, as
    ``can0 0x7E8``.
    """

    title: Bilingual
    signals: tuple[str, ...] = ()
    pids: tuple[str, ...] = ()
    facts: Annotated[dict[Name, Bilingual], Field(examples=[FACTS_EXAMPLE])] = Field(
        default_factory=dict
    )
    frames: tuple[FrameWords, ...] = ()
    position_like: tuple[str, ...] = ()
    """Signals here that can reveal a route beside a coarse position."""


class Categories(Strict):
    """categories.yaml."""

    categories: dict[CategoryId, Category]


class Precision(Strict):
    """How fine place and time may be."""

    space: SpaceWords
    time: DurationWords


class Precisions(Strict):
    """precision.yaml."""

    precisions: dict[str, Precision]


class Notice(Strict):
    """notices/<notice>.yaml: what people are informed of, from when."""

    notice: NoticeRef
    effective: Annotated[Day, Field(examples=["2026-11-01"])]
    text: Bilingual
