"""Why something is withheld, in words for people, in English and in Japanese."""

from collections.abc import Mapping
from typing import Final

from policy.markup import Language
from telemetry.outcome import Withheld

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    Withheld.NOT_COLLECTED: ("no purpose collects it", "どの目的でも集めない"),
    Withheld.NOT_IN_PURPOSE: ("not needed for this purpose", "この目的には使わない"),
    Withheld.NO_LINK: ("nobody is linked to the device", "機器に結び付く人がいない"),
    Withheld.NO_CONSENT: ("no consent", "同意がない"),
    Withheld.OBJECTED: ("the person objected", "本人が停止を求めた"),
    Withheld.ERASED: ("erased", "消去された"),
    Withheld.FORBIDDEN: ("forbidden by the policy", "ポリシーが禁じている"),
    Withheld.DROPPED: ("left out on purpose", "意図して除いた"),
    Withheld.UNSUPPORTED: (
        "its treatment is not carried out yet", "定めた加工がまだ行えない",
    ),
    Withheld.TOO_LATE: ("arrived too late to be kept", "届くのが遅く保存できない"),
    Withheld.UNPAIRED: ("half of a position", "位置の片方しかない"),
    Withheld.OFF_GRID: ("outside the grid", "メッシュの範囲外"),
    Withheld.TRIP_END: ("cut off at the ends of the trip", "走行の両端を切り取った"),
    Withheld.THINNED: ("thinned out", "間引いた"),
    Withheld.AGGREGATED: ("told only in counts", "集計値だけにした"),
    Withheld.OVERSIZED_OUTPUT: ("record too large", "記録が大きすぎる"),
}  # fmt: skip


def reason_words(reason: str, language: Language) -> str:
    """The reason in words; one this table does not know is shown as it is."""
    words = _WORDS.get(reason)
    return reason if words is None else words[language == "ja"]
