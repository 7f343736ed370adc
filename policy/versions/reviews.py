"""Days of review that have come: what nothing ends, and what people do, is to be looked at again.

A warning, and never an end: whoever looks dates the next review in a new version.
"""

from collections.abc import Iterator
from datetime import date

from policy.language.document import Document
from policy.language.problems import Problem, Severity
from policy.vocabulary.terms import Where

REMEDY = "look whether it still holds, and write the day of the next review"


def reviews_due(document: Document, now_ms: int) -> tuple[Problem, ...]:
    """A warning for every review whose day has begun in the document's zone."""
    policy = document.policy.content
    return tuple(
        Problem(where, f"the review of {what} is due", day.isoformat(), REMEDY, Severity.WARNING)
        for what, day, where in _reviews(document)
        if policy.day_start_ms(day) <= now_ms
    )


def _reviews(document: Document) -> Iterator[tuple[str, date, Where]]:
    for page in document.purposes:
        for category, line in page.content.cells.items():
            for number, cell in enumerate(line):
                if cell.keep.review_on is not None:
                    where = page.where("cells", category, number, "keep", "review_on")
                    what = f"how long `{page.content.purpose}` keeps {category}"
                    yield what, cell.keep.review_on, where
    sheet = document.clauses
    for name, clause in sheet.content.clauses.items():
        for number, duty in enumerate(clause.duties):
            where = sheet.where("clauses", name, "duties", number, "review_on")
            yield f"what {duty.who.en} does for {name}", duty.review_on, where
