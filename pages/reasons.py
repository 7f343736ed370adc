"""Why something is withheld or not admitted, in words for people, in English and in Japanese."""

from collections.abc import Mapping
from typing import Final

from policy.bilingual import Language
from telemetry.outcome import Rejected, Withheld

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
    Rejected.NO_PAYLOAD: ("nothing in it", "中身がない"),
    Rejected.OVERSIZED: ("envelope too large", "封筒が大きすぎる"),
    Rejected.UNSEALED: ("not sealed", "封がされていない"),
    Rejected.MALFORMED: ("not an envelope", "封筒の形をしていない"),
    Rejected.UNKNOWN_VERSION: ("unknown version of the envelope", "封筒の版が分からない"),
    Rejected.UNKNOWN_FIELD: ("a field no envelope has", "封筒にない欄がある"),
    Rejected.TOO_MANY_READINGS: ("too many readings", "測定値が多すぎる"),
    Rejected.NO_READINGS: ("no reading in it", "測定値がない"),
    Rejected.UNKNOWN_DEVICE: ("unknown device", "登録のない機器"),
    Rejected.BEFORE_REGISTRATION: ("before the device was registered", "機器の登録より前"),
    Rejected.FROM_THE_FUTURE: ("dated in the future", "時刻が未来になっている"),
    Rejected.UNKNOWN_SIGNAL: ("unknown signal", "一覧にない信号"),
    Rejected.WRONG_UNIT: ("wrong unit", "単位が違う"),
    Rejected.WRONG_TYPE: ("wrong kind of value", "値の種類が違う"),
    Rejected.OUT_OF_RANGE: ("out of range", "値が範囲の外"),
    Rejected.COLUMN_MISMATCH: ("times and values differ in number", "時刻と値の数が合わない"),
}  # fmt: skip


def reason_words(reason: str, language: Language) -> str:
    """The reason in words; one this table does not know is shown as it is."""
    words = _WORDS.get(reason)
    return reason if words is None else words[language == "ja"]
