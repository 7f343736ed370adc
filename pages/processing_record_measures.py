"""The technical measures that a plan itself shows (GDPR Art. 30(1)(g), APPI Art. 23)."""

from typing import Final

from pages.phrases import duration_words, period_words
from pages.titles import Titles
from policy.bilingual import Bilingual, Language
from policy.document import Document
from policy.plan import Epoch, Output, Plan
from policy.terms import Period

_RAW: Final = Bilingual(
    en="what devices report is deleted from the broker within {}",
    ja="機器から届いたデータは、{}以内にブローカーから消去します",
)
_RECORDS: Final = Bilingual(
    en="records of purposes are deleted from it within {}",
    ja="目的ごとの記録は、{}以内にブローカーから消去します",
)
_PSEUDONYMS: Final = Bilingual(
    en="{}: pseudonyms keyed for this recipient alone, changed every {}",
    ja="{}: この受け取る人だけの鍵でつくる仮名を使い、{}ごとに変えます",
)
_APART: Final = Bilingual(
    en="one principal reads one purpose; a store deletes by each record's own expiry",
    ja="読み取りの権限は目的ごとに分かれています。保存先は、記録ごとの期限で消去します",
)


def measures(plan: Plan, document: Document) -> list[Bilingual]:
    """Each as one sentence in both languages."""
    bounds = [output.transport.bound_ms for output in plan.outputs]
    found = [_within(_RAW, plan.raw.bound_ms)]
    if bounds:
        found.append(_within(_RECORDS, max(bounds)))
    found += [_pseudonyms(document, output) for output in plan.outputs]
    return [*found, _APART]


def _within(sentence: Bilingual, length_ms: int) -> Bilingual:
    def told(language: Language) -> str:
        return sentence.told(language).format(duration_words(length_ms, language))

    return Bilingual(ja=told("ja"), en=told("en"))


def _pseudonyms(document: Document, output: Output) -> Bilingual:
    def told(language: Language) -> str:
        titles = Titles(document, language)
        who = f"{titles.purpose(output.purpose)}, {titles.who(output.purpose, output.recipient)}"
        changed = period_words(_period(output.epoch), language)
        return _PSEUDONYMS.told(language).format(who.replace(", ", titles.comma), changed)

    return Bilingual(ja=told("ja"), en=told("en"))


def _period(epoch: Epoch) -> Period:
    return Period(epoch.months, "months") if epoch.months else Period(epoch.days, "days")
