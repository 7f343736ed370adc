"""From texts by file name to a document, or to every problem found: no file is read here."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeVar

from pydantic import BaseModel

from policy.language.authority_files import Authorities, Clauses, Profiles
from policy.language.case_file import Cases
from policy.language.category_files import Categories, Notice, Precisions
from policy.language.document import Document, Sheet
from policy.language.policy_file import Policy
from policy.language.problems import Findings, Problem, Tree
from policy.language.purpose_file import Purpose
from policy.language.validation import validate
from policy.vocabulary.terms import Where

FILES_MAX: Final = 500
SHEETS_KEPT: Final = 256
POLICY_FILE: Final = "policy.yaml"
CATEGORIES: Final = "categories.yaml"
PRECISION: Final = "precision.yaml"
AUTHORITIES: Final = "authorities.yaml"
CLAUSES: Final = "clauses.yaml"
PROFILES: Final = "profiles.yaml"
TOP: Final = (POLICY_FILE, CATEGORIES, PRECISION, AUTHORITIES, CLAUSES, PROFILES)
FOLDERS: Final = ("purposes", "notices", "cases")

Model = TypeVar("Model", bound=BaseModel)
Read = Callable[[str, str, Findings], Tree | None]
"""From a file's name and text to its tree, or None after noting what is wrong with the text."""


def read_text(name: str, text: str, findings: Findings) -> Tree | None:
    """Read YAML with its places."""
    # Heavy, and not needed by a reader that has read the text before.
    from policy.language.yaml_text import read_yaml  # noqa: PLC0415  # as above

    return read_yaml(name, text, findings)


def parse(files: Mapping[str, str], read: Read = read_text) -> Document | tuple[Problem, ...]:
    """The document in these texts, or its problems, all of them, each with its place.

    Names are relative and use ``/``: the files of ``TOP``, purposes/*.yaml, notices/*.yaml,
    cases/*.yaml. Any other name is a problem. ``read`` may know a text from before.
    """
    findings = Findings()
    for name in sorted(files)[FILES_MAX:]:
        findings.error(Where(name, 1), "too many files", "", f"keep to {FILES_MAX} files")
    for name in files:
        if not _has_a_place(name):
            remedy = f"name it {', '.join(TOP)} or put it into a folder of the"
            remedy += f" document ({', '.join(FOLDERS)}), ending in .yaml"
            findings.error(Where(name, 1), "not a file of a policy document", name, remedy)
    policy = _one(Policy, POLICY_FILE, files, read, findings)
    categories = _one(Categories, CATEGORIES, files, read, findings)
    precisions = _one(Precisions, PRECISION, files, read, findings)
    authorities = _one(Authorities, AUTHORITIES, files, read, findings)
    clauses = _one(Clauses, CLAUSES, files, read, findings)
    profiles = _one(Profiles, PROFILES, files, read, findings)
    purposes = _folder(Purpose, "purposes", files, read, findings)
    notices = _folder(Notice, "notices", files, read, findings)
    cases = _folder(Cases, "cases", files, read, findings)
    for stem, purpose in purposes.items():
        _stem_is(stem, purpose.content.purpose, purpose.where("purpose"), findings)
    for stem, notice in notices.items():
        _stem_is(stem, notice.content.notice, notice.where("notice"), findings)
    for stem, sheet in cases.items():
        if f"purposes/{stem}.yaml" not in files:
            remedy = "name the file after its purpose"
            findings.error(Where(sheet.file, 1), "cases of no purpose", stem, remedy)
    if (
        findings.refused
        or policy is None
        or categories is None
        or precisions is None
        or authorities is None
        or clauses is None
        or profiles is None
    ):
        return findings.in_order()
    pages = tuple(purposes.values())
    return Document(
        policy, authorities, clauses, profiles, categories, precisions, pages, notices, cases
    )


def parse_policy(files: Mapping[str, str], read: Read = read_text) -> Policy | tuple[Problem, ...]:
    """policy.yaml alone, if only the version of these texts is needed; or its problems."""
    findings = Findings()
    sheet = _one(Policy, POLICY_FILE, files, read, findings)
    return findings.in_order() if sheet is None else sheet.content


def _has_a_place(name: str) -> bool:
    folder, _, rest = name.rpartition("/")
    if not folder:
        return rest in TOP
    return folder in FOLDERS and rest.endswith(".yaml")


def _one(
    model: type[Model], name: str, files: Mapping[str, str], read: Read, findings: Findings
) -> Sheet[Model] | None:
    if name not in files:
        findings.error(Where(name, 1), "the file is missing", name, f"add {name}")
        return None
    sheet, problems = _sheet(model, name, files[name], read)
    findings.problems += problems
    return sheet


@lru_cache(SHEETS_KEPT)
def _sheet(
    model: type[Model], name: str, text: str, read: Read
) -> tuple[Sheet[Model] | None, tuple[Problem, ...]]:
    """One file and its problems, kept: versions of a document share nearly all their files."""
    findings = Findings()
    tree = read(name, text, findings)
    content = None if tree is None else validate(model, name, *tree, findings)
    sheet = None if tree is None or content is None else Sheet(name, content, tree[1])
    return sheet, tuple(findings.problems)


def _folder(
    model: type[Model], folder: str, files: Mapping[str, str], read: Read, findings: Findings
) -> dict[str, Sheet[Model]]:
    """The folder's sheets by file stem, sorted."""
    sheets: dict[str, Sheet[Model]] = {}
    for name in sorted(files):
        if name.startswith(f"{folder}/") and _has_a_place(name):
            sheet = _one(model, name, files, read, findings)
            if sheet is not None:
                sheets[name.removeprefix(f"{folder}/").removesuffix(".yaml")] = sheet
    return sheets


def _stem_is(stem: str, name: str, where: Where, findings: Findings) -> None:
    if stem != name:
        message = "the name of the file differs from the name in it"
        findings.error(where, message, name, f"write `{stem}` here, or name the file {name}.yaml")
