"""Legal grounds: every basis points to a notice that people could read in time."""

from policy.compiler.context import CompileContext, PlacedCell
from policy.language.problems import Findings
from policy.language.purpose_file import LegalBasis, Recipient
from policy.vocabulary.terms import Basis, BasisKind, OnWithdrawal, Where


def basis(context: CompileContext, placed: PlacedCell) -> Basis:
    """The cell's own basis, else its purpose's; an error if its notice does not cover it."""
    page, own = placed.page, placed.cell.basis
    ground = own or page.content.basis
    where = placed.where("basis") if own else page.where("basis", "notice")
    _check_notice(context, ground, where)
    return Basis(BasisKind(ground.kind), ground.notice)


def _check_notice(context: CompileContext, ground: LegalBasis, where: Where) -> None:
    document, findings = context.document, context.findings
    notice = document.notices.get(ground.notice)
    if notice is None:
        known = ", ".join(document.notices) or "none yet"
        remedy = f"add notices/{ground.notice}.yaml, or name one of: {known}"
        findings.error(where, "the basis names a notice that does not exist", ground.notice, remedy)
        return
    policy = document.policy.content
    if notice.content.effective > policy.effective:
        place = notice.where("effective")
        message = f"the notice comes later than the policy that rests on it ({policy.effective})"
        remedy = "publish the notice first: date it on or before the policy's `effective`"
        findings.error(place, message, notice.content.effective, remedy)


def on_withdrawal(placed: PlacedCell, chosen: Basis, findings: Findings) -> OnWithdrawal | None:
    """What the cell does with what is of before a withdrawal; None: it rests on no consent.

    An error if there is no consent to withdraw, or if a statute keeps what would go.
    """
    cell, where = placed.cell, placed.where("on_withdrawal")
    if not chosen.kind.needs_consent:
        if cell.on_withdrawal is not None:
            message = f"nobody can withdraw a consent here: the cell rests on `{chosen.kind}`"
            remedy = "remove `on_withdrawal`, or give the cell a basis that is a consent"
            findings.error(where, message, cell.on_withdrawal, remedy)
        return None
    if cell.on_withdrawal == "erase" and cell.keep.at_least is not None:
        message = "a withdrawal would erase what `at_least` has to keep"
        remedy = "remove `at_least`, or write `on_withdrawal: keep_before`"
        findings.error(where, message, cell.on_withdrawal, remedy)
    return cell.on_withdrawal or "keep_before"


def check_recipient(recipient: Recipient, chosen: Basis, where: Where, findings: Findings) -> None:
    """No third party without consent or statute (APPI Art. 27(1); seed 第1-8)."""
    allowed = (BasisKind.THIRD_PARTY, BasisKind.STATUTE)
    if recipient.recipient_class == "third_party" and chosen.kind not in allowed:
        message = f"`{recipient.id}` is a third party, which needs a consent to provision"
        remedy = "write `basis: {kind: third_party, notice: ...}` for this cell"
        findings.error(where, message, chosen.kind, remedy)
