"""The policy's own terms in words for the people it is about, in English and in Japanese."""

from collections.abc import Mapping
from typing import Final

from policy.bilingual import Language
from policy.holdings import PlanCell
from policy.operations import MeshH3, MeshJis, Unsupported
from policy.plan import Period
from policy.words import Exact, Space, say_duration, say_space
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

Words = Mapping[str, tuple[str, str]]

GROUNDS: Final[Words] = {
    "published": ("the published purpose", "公表した利用目的"),
    "explicit": ("told to you when you signed up", "お申し込み時に明示"),
    "statute": ("required or allowed by law", "法令による"),
    "location": ("your consent to location", "位置情報への同意"),
    "opt_in": ("your consent", "同意"),
    "third_party": ("your consent to this recipient", "この提供先への同意"),
}
CLASSES: Final[Words] = {
    "subject": ("you", "ご本人"),
    "internal": ("within our company", "社内"),
    "processor": ("works for us under contract", "委託先"),
    "joint_user": ("joint use in our group", "共同利用"),
    "third_party": ("another company", "第三者"),
    "successor": ("successor of our business", "事業の承継先"),
    "authority": ("public authority", "公的機関"),
    "consumer_reporting": ("credit and insurance scoring", "信用・保険の評価機関"),
}
TRIGGERS: Final[Words] = {
    "reading": ("after it was recorded", "記録してから"),
    "ingest": ("after we received it", "受け取ってから"),
    "trip_end": ("after the trip", "走行の終了から"),
    "contract_end": ("after your contract ends", "契約の終了から"),
    "device_retired": ("after the device is retired", "機器の使用終了から"),
    "opt_out": ("after you say stop", "停止のお申し出から"),
    "request_close": ("after your request is closed", "お問い合わせの完了から"),
    "campaign_end": ("after the campaign", "キャンペーンの終了から"),
    "report": ("after the report", "報告書の作成から"),
    "hand_over": ("after it is handed over", "引き渡しから"),
    "study_end": ("after the study ends", "調査の終了から"),
    "enrolment_end": ("after you leave the service", "登録の終了から"),
    "filing_date": ("after the tax return is filed", "申告の日から"),
    "provision_end": ("after we stop passing it on", "提供の終了から"),
    "consent_end": ("after your consent ends", "同意の終了から"),
}
ROLES: Final[Words] = {
    "contract_holder": ("holders of a contract", "契約者"),
    "owner": ("owners", "所有者"),
    "minor": ("children and teenagers", "未成年の方"),
    "passenger": ("passengers", "同乗者"),
    "driver": ("drivers", "運転者"),
    "employee": ("employees who drive for work", "業務で運転する方"),
    "prior_owner": ("earlier owners", "以前の所有者"),
    "business_contact": ("contact persons of partners", "取引先の担当者"),
    "unknown": ("drives whose driver nobody confirmed", "運転者が確認されていない走行"),
}
DELIVERIES: Final[Words] = {
    "stream": ("", ""),
    "aggregate": ("only as figures about groups", "集団の統計としてのみ"),
    "on_request": ("only when a case is opened for it", "個別の案件がある場合のみ"),
    "records": ("", ""),
}
_UNITS: Final[Words] = {
    "minutes": ("minutes", "分"),
    "hours": ("hours", "時間"),
    "days": ("days", "日"),
    "months": ("months", "か月"),
    "years": ("years", "年"),
}
_DURATIONS: Final = ((DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes"))


def words(table: Words, key: str, language: Language) -> str:
    """The term in words; one the table does not know is shown as written."""
    known = table.get(key)
    return key.replace("_", " ") if known is None else known[language == "ja"]


def period_words(period: Period, language: Language) -> str:
    """``24 months`` or ``24か月``."""
    unit = words(_UNITS, period.unit, language)
    if language == "ja":
        return f"{period.count}{unit}"
    return f"{period.count} {unit.removesuffix('s') if period.count == 1 else unit}"


def duration_words(length_ms: int, language: Language) -> str:
    """How coarsely a time is told."""
    for unit_ms, unit in _DURATIONS:
        if length_ms % unit_ms == 0 and length_ms >= unit_ms:
            count = length_ms // unit_ms
            said = words(_UNITS, unit, language)
            if language == "ja":
                return f"{count}{said}"
            return f"{count} {said.removesuffix('s') if count == 1 else said}"
    seconds = length_ms / SECOND_MS
    return f"{seconds:g}秒" if language == "ja" else say_duration(length_ms)


def precision_words(space: Space | None, time_ms: int, language: Language) -> str:
    """How fine place and time are; ``space`` None where the data has no place."""
    time = duration_words(time_ms, language)
    told = f"時刻は{time}単位" if language == "ja" else f"time within {time}"
    if space is None:
        return told
    return f"{_space(space, language)}、{told}" if language == "ja" else (
        f"{_space(space, language)}, {told}"
    )  # fmt: skip


def _space(space: Space, language: Language) -> str:
    japanese = language == "ja"
    match space:
        case Exact():
            return "測定したままの位置" if japanese else "position as measured"
        case MeshJis(size_m):
            edge = f"{size_m // 1000} km" if size_m >= 1000 else f"{size_m} m"  # noqa: PLR2004
            return f"約{edge}四方の区画" if japanese else f"a square of about {edge}"
        case MeshH3(resolution):
            return f"H3 {resolution}の区画" if japanese else f"an H3 cell of size {resolution}"
        case Unsupported("prefecture"):
            return "都道府県" if japanese else "the prefecture"
        case _:
            return say_space(space)


def keep_words(cell: PlanCell, language: Language) -> str:
    """``at most 24 months after we received it``, with the cap where the event may not come."""
    period = period_words(cell.at_most, language)
    trigger = words(TRIGGERS, cell.trigger, language)
    if language == "ja":
        cap = "" if cell.cap is None else f"、最長{period_words(cell.cap, language)}"
        return f"{trigger}{period}{cap}"
    cap = "" if cell.cap is None else f", in any case {period_words(cell.cap, language)}"
    return f"{period} {trigger}{cap}"
