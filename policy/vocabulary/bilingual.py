"""One text in Japanese and in English: what people read is written in both, or not at all."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["ja", "en"]

Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Bilingual(BaseModel):
    """One text in both languages; a page shows one of them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    ja: Text
    en: Text

    def told(self, language: Language) -> str:
        """The text in this language."""
        return self.ja if language == "ja" else self.en

    @property
    def both(self) -> str:
        """Both texts, for comparisons: one language may change alone."""
        return f"{self.en} / {self.ja}"


Reason = Annotated[
    Bilingual, Field(examples=["{ja: 季節ごとの電池の劣化を見るため, en: seasonal battery ageing}"])
]
"""Why this period is needed; the record of processing publishes it."""
