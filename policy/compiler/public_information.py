"""What people have to be told beside purposes is there, and so is each joint user's place."""

from policy.language.document import Document
from policy.language.problems import Findings
from policy.vocabulary.nearest import write_nearest


def check_public_information(document: Document, findings: Findings) -> None:
    """Errors for what APPI Art. 32(1) and the Order's Art. 10 have made known and is missing."""
    sheet = document.policy
    if sheet.content.public_information is None:
        message = "nothing tells people how to ask, how data is kept safe, or where to complain"
        remedy = "add `public_information` with requests, security and complaints to policy.yaml "
        remedy += "(APPI Art. 32(1), Order Art. 10)"
        findings.error(sheet.where(), message, "", remedy)
    _joint_users(document, findings)


def _joint_users(document: Document, findings: Findings) -> None:
    sheet, joint = document.policy, document.policy.content.joint_use
    if joint is None:
        return  # joint users without terms are refused by `joint_use_terms`
    listed = [one.recipient for one in joint.users]
    sharing: list[str] = []
    for page in document.purposes:
        for index, one in enumerate(page.content.recipients):
            if one.recipient_class != "joint_user":
                continue
            sharing.append(one.id)
            if one.id not in listed:
                where = page.where("recipients", index)
                remedy = f"add {{recipient: {one.id}, since: …, address: …, representative: …}} to "
                remedy += "policy.yaml, joint_use: users"
                message = "a joint user is not published with its address and its first day"
                findings.error(where, message, one.id, remedy)
    for index, user in enumerate(joint.users):
        where = sheet.where("joint_use", "users", index)
        if user.recipient not in sharing:
            remedy = write_nearest(user.recipient, sharing, "a recipient of class joint_user")
            findings.error(where, "no purpose has this joint user", user.recipient, remedy)
        if user.recipient in listed[:index]:
            findings.error(where, "a joint user stands twice", user.recipient, "remove one")
        if user.since > sheet.content.effective:
            message = f"data would reach it before it joins ({sheet.content.effective})"
            remedy = "date it no later, or add it in the version that begins on that day"
            findings.error(where, message, user.since, remedy)
