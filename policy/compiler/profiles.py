"""Legal profiles: which are in force, the forbids they add, and what they require."""

from policy.compiler.context import CompileContext
from policy.compiler.public_information import check_public_information
from policy.language.document import Document, profiles_in_force
from policy.language.problems import Findings
from policy.vocabulary.nearest import write_nearest
from policy.vocabulary.terms import is_outside


def check_profiles(context: CompileContext) -> None:
    """Unknown profiles, ones that are on outside their dates, and what those in force require."""
    document, findings = context.document, context.findings
    policy, known = document.policy.content, document.profiles.content.profiles
    active = dict(profiles_in_force(document))
    for name, on in policy.profiles.items():
        where = document.policy.where("profiles", name)
        if name not in known:
            remedy = write_nearest(name, known, "a profile of profiles.yaml")
            findings.error(where, "unknown profile", name, remedy)
        elif on and name not in active:
            dates = f"{known[name].effective} to {known[name].until or 'open'}"
            remedy = "turn it off, or date the policy within it"
            findings.error(where, f"the profile is not in force then ({dates})", name, remedy)
    required = {one for profile in active.values() for one in profile.requires}
    if "transfer_route" in required:
        _transfer_route(document, {c for p in active.values() for c in p.home}, findings)
    if "joint_use_terms" in required:
        _joint_use_terms(document, findings)
    if "public_information" in required:
        check_public_information(document, findings)
    for page in document.purposes:
        where = page.where("purpose")
        if "gdpr_basis" in required and page.content.gdpr is None:
            remedy = "add `gdpr: 6(1)(b)` or another point"
            findings.error(where, "`gdpr` is missing under eu-gdpr", "", remedy)
        streams = page.content.delivery.mode == "stream"
        classes = {r.recipient_class for r in page.content.recipients}
        if "subject_access" in required and streams and "subject" not in classes:
            remedy = "add a recipient of class `subject`"
            findings.error(where, "its user cannot have this data (Data Act Art. 4)", "", remedy)


def _transfer_route(document: Document, home: set[str], findings: Findings) -> None:
    for page in document.purposes:
        for index, recipient in enumerate(page.content.recipients):
            abroad = [country for country in recipient.countries if country not in home]
            if is_outside(recipient.recipient_class) and abroad:
                if recipient.transfer is None:
                    where = page.where("recipients", index, "countries")
                    message = (
                        f"`{recipient.id}` is abroad, and no ground for sending data there is given"
                    )
                    remedy = "add `transfer: {route: consent, because: …}` (or designated, "
                    remedy += "equivalent; APPI Art. 28)"
                    findings.error(where, message, ", ".join(abroad), remedy)
            elif recipient.transfer is not None:
                where = page.where("recipients", index, "transfer")
                message = f"`{recipient.id}` is not abroad"
                findings.error(where, message, recipient.transfer.route, "remove `transfer`")


def _joint_use_terms(document: Document, findings: Findings) -> None:
    terms = document.policy.content.joint_use
    facts = document.categories.content.categories
    for page in document.purposes:
        joint = {r.id for r in page.content.recipients if r.recipient_class == "joint_user"}
        if not joint:
            continue
        where = page.where("recipients")
        if terms is None:
            remedy = "add `joint_use` with items, purposes, manager and notice to policy.yaml"
            findings.error(where, "joint use without published terms", "", remedy)
            continue
        if page.content.purpose not in terms.purposes:
            remedy = "add it to policy.yaml, joint_use: purposes, and to the notice"
            message = "joint use for a purpose that is not published for it"
            findings.error(where, message, page.content.purpose, remedy)
        for category, cells in page.content.cells.items():
            for n, cell in enumerate(cells):
                if category not in facts or not (not cell.to or joint & set(cell.to)):
                    continue
                names = [f for f in facts[category].facts if not cell.only or f in cell.only]
                wrong = [name for name in names if name not in terms.items]
                if wrong and category not in terms.items:
                    at = page.where("cells", category, n)
                    remedy = f"name only: {', '.join(terms.items)}; or publish the item first"
                    message = "an item that is not published for joint use"
                    findings.error(at, message, ", ".join(wrong), remedy)
