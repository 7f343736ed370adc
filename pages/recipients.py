"""A recipient in words for people: who it is, as what it receives, where, and until when."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from pages.phrases import CLASSES, Words, words
from policy.bilingual import Language
from policy.page import Recipient

COUNTRIES: Final[Words] = {
    "JP": ("Japan", "日本"),
    "AU": ("Australia", "オーストラリア"),
    "CA": ("Canada", "カナダ"),
    "CN": ("China", "中国"),
    "DE": ("Germany", "ドイツ"),
    "FR": ("France", "フランス"),
    "GB": ("United Kingdom", "英国"),
    "IE": ("Ireland", "アイルランド"),
    "IN": ("India", "インド"),
    "KR": ("South Korea", "韓国"),
    "NL": ("Netherlands", "オランダ"),
    "SG": ("Singapore", "シンガポール"),
    "TH": ("Thailand", "タイ"),
    "TW": ("Taiwan", "台湾"),
    "US": ("United States", "米国"),
    "VN": ("Vietnam", "ベトナム"),
}
"""By ISO 3166 code; a country that stands nowhere here is shown by its code."""


def date_words(day: date, language: Language) -> str:
    """``2026-10-01`` or ``2026年10月1日``."""
    return f"{day.year}年{day.month}月{day.day}日" if language == "ja" else day.isoformat()


def country_words(countries: Iterable[str], language: Language) -> str:
    """Countries by name."""
    comma = "、" if language == "ja" else ", "
    return comma.join(words(COUNTRIES, country, language) for country in countries)


def recipient_words(recipient: Recipient, language: Language, where: str = "") -> str:
    """``Example Maps K.K. [joint use in our group, ends on 2027-04-01]``; ``where`` comes last."""
    facts = [words(CLASSES, recipient.recipient_class, language)]
    if recipient.until is not None:
        day = date_words(recipient.until, language)
        facts.append(f"{day}に終了" if language == "ja" else f"ends on {day}")
    if where:
        facts.append(where)
    if language == "ja":
        return f"{recipient.who.ja}（{'、'.join(facts)}）"
    return f"{recipient.who.en} [{', '.join(facts)}]"
