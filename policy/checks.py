"""Checks of the document as a whole: names that must be unique, references that must exist."""

from policy.context import CompileContext


def check_document(context: CompileContext) -> None:
    """Recipients are unique in a purpose; parts belong to a purpose; a policy has purposes."""
    document, findings = context.document, context.findings
    purposes = document.pages
    if not purposes:
        remedy = "add a page under purposes/; without one nothing may be kept"
        findings.error(document.policy.where(), "the policy has no purpose", "", remedy)
    for page in document.purposes:
        part_of = page.content.part_of
        if part_of is not None and part_of not in purposes:
            remedy = f"write one of: {', '.join(sorted(purposes))}"
            findings.error(page.where("part_of"), "part of an unknown purpose", part_of, remedy)
        seen: set[str] = set()
        for index, recipient in enumerate(page.content.recipients):
            if recipient.id in seen:
                where = page.where("recipients", index)
                remedy = "give each recipient an id of its own"
                findings.error(where, "a recipient stands twice", recipient.id, remedy)
            seen.add(recipient.id)
