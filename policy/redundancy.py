"""Lines that change nothing: not wrong, but a reader may think they do."""

from policy.categories import matches
from policy.context import CompileContext
from policy.document import Sheet
from policy.page import Purpose
from policy.problems import Findings


def warn_redundant(context: CompileContext) -> None:
    """Warn of notices, recipients, patterns and grounds that could be left out."""
    document, findings = context.document, context.findings
    named = {page.content.basis.notice for page in document.purposes}
    for page in document.purposes:
        cells = [cell for line in page.content.cells.values() for cell in line]
        named |= {cell.basis.notice for cell in cells if cell.basis is not None}
        _recipients(page, findings)
        _lines(page, findings)
    joint = document.policy.content.joint_use
    named |= set() if joint is None else {joint.notice}
    for name, sheet in document.notices.items():
        if name not in named:
            remedy = "remove the file, or let a basis name it"
            findings.warn(sheet.where("notice"), "no basis rests on this notice", name, remedy)


def _recipients(page: Sheet[Purpose], findings: Findings) -> None:
    cells = [cell for line in page.content.cells.values() for cell in line]
    for index, recipient in enumerate(page.content.recipients):
        if all(cell.to and recipient.id not in cell.to for cell in cells):
            where = page.where("recipients", index)
            remedy = "remove the recipient, or name it in a cell's `to`"
            findings.warn(where, "no cell is for this recipient", recipient.id, remedy)


def _lines(page: Sheet[Purpose], findings: Findings) -> None:
    for category, line in page.content.cells.items():
        for n, cell in enumerate(line):
            at = ("cells", category, n)
            if cell.basis is not None and cell.basis == page.content.basis:
                where = page.where(*at, "basis")
                remedy = "remove the line"
                message = "the cell repeats its purpose's basis"
                findings.warn(where, message, cell.basis.notice, remedy)
            for index, name in enumerate(cell.only):
                others = [p for other, p in enumerate(cell.only) if other != index]
                if any(_covers(pattern, name) for pattern in others):
                    where = page.where(*at, "only", index)
                    findings.warn(where, "another line covers this one", name, "remove it")


def _covers(pattern: str, name: str) -> bool:
    """Whether a pattern names all that another one names."""
    return pattern == name or matches(pattern, name.removesuffix(".**"))
