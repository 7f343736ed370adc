"""Legal grounds: every basis points to a notice that people could read in time."""

from policy.compiler.context import CompileContext, PlacedCell
from policy.language.problems import Findings
from policy.language.purpose_file import LegalBasis, Recipient
from policy.vocabulary.terms import Basis, BasisKind, Where


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


def check_recipient(recipient: Recipient, chosen: Basis, where: Where, findings: Findings) -> None:
    """No third party without consent or statute (APPI Art. 27(1); seed 第1-8)."""
    allowed = (BasisKind.THIRD_PARTY, BasisKind.STATUTE)
    if recipient.recipient_class == "third_party" and chosen.kind not in allowed:
        message = f"`{recipient.id}` is a third party, which needs a consent to provision"
        remedy = "write `basis: {kind: third_party, notice: ...}` for this cell"
        findings.error(where, message, chosen.kind, remedy)
