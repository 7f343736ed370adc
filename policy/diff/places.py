"""Where the new document writes what a change is about: the line that people look at, and mend."""

from typing import Any

from policy.compiled import CompiledPolicy
from policy.diff.change import Change
from policy.diff.purpose_changes import RECIPIENTS
from policy.language.document import Document, Sheet
from policy.vocabulary.terms import Where


def place_of(change: Change, new: CompiledPolicy) -> Where:
    """The cell, the notice or the key concerned; the nearest above if it is written no more."""
    cells = [one for one in new.plan.cells if _is_of(change, one.id)]
    if cells:
        items = {*change.items}
        # A category may have several lines; the first that has one of the items is meant.
        return next(
            (one.where for one in cells if items & {*one.signals, *one.facts}), cells[0].where
        )
    if change.purpose is None and change.needs_notice:
        return new.document.notices[change.needs_notice[0]].where("text")
    sheet, path = _keys(change, new.document)
    return sheet.where(*path)


def _is_of(change: Change, cell: str) -> bool:
    """Whether a cell's id, its line left out, is that of the change."""
    return cell.partition("#")[0] == f"{change.purpose}/{change.recipient}/{change.category}"


def _keys(change: Change, document: Document) -> tuple[Sheet[Any], tuple[str | int, ...]]:
    files: dict[str, Sheet[Any]] = {
        sheet.file: sheet for sheet in (document.profiles, document.categories, document.precisions)
    }
    if change.at and change.at[0] in files:
        return files[change.at[0]], change.at[1:]
    path: tuple[str | int, ...] = change.at
    if path == RECIPIENTS and change.purpose in document.pages:
        known = [one.id for one in document.page(change.purpose).recipients]
        path = (*path, *(at for at, one in enumerate(known) if one == change.recipient))
    return sheet_of(document, change.purpose), path


def sheet_of(document: Document, purpose: str | None) -> Sheet[Any]:
    """A purpose's page; policy.yaml for what is about none, or about one that has no page."""
    pages = (sheet for sheet in document.purposes if sheet.content.purpose == purpose)
    return next(pages, document.policy)
