"""The document as people write it: a strict model per kind of file, and all files together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from policy.language.authority_files import Authorities, Clauses, Profile, Profiles
from policy.language.case_file import Cases
from policy.language.category_files import Categories, Notice, Precisions
from policy.language.policy_file import Policy
from policy.language.problems import Places
from policy.language.purpose_file import Purpose
from policy.vocabulary.terms import Where

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Content]):
    """One file of the document: its content, and the places in it."""

    file: str
    content: Content
    places: Places = field(compare=False, repr=False)

    def where(self, *path: Any) -> Where:
        """The place of the value at this path of keys and indexes, or of the nearest one above."""
        return self.places.where(self.file, path)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole policy document, well formed but not yet compiled."""

    policy: Sheet[Policy]
    authorities: Sheet[Authorities]
    clauses: Sheet[Clauses]
    profiles: Sheet[Profiles]
    categories: Sheet[Categories]
    precisions: Sheet[Precisions]
    purposes: tuple[Sheet[Purpose], ...]
    notices: Mapping[str, Sheet[Notice]]
    cases: Mapping[str, Sheet[Cases]]
    """By purpose id, which is the file's stem."""

    @property
    def pages(self) -> dict[str, Purpose]:
        """The content of each purpose's page, by purpose id, in the document's order."""
        return {sheet.content.purpose: sheet.content for sheet in self.purposes}

    def joint_items(self, notice: str) -> tuple[str, ...] | None:
        """The items of joint use if this notice announces it; None for any other notice."""
        joint = self.policy.content.joint_use
        return joint.items if joint is not None and joint.notice == notice else None

    def page(self, purpose: str) -> Purpose:
        """The content of one purpose's page; KeyError if there is no such purpose."""
        return self.pages[purpose]


def profiles_in_force(document: Document) -> Iterator[tuple[str, Profile]]:
    """The profiles that are on and effective when the policy begins."""
    policy = document.policy.content
    for name, on in policy.profiles.items():
        profile = document.profiles.content.profiles.get(name)
        if not on or profile is None or policy.effective < profile.effective:
            continue
        if profile.until is None or policy.effective < profile.until:
            yield name, profile
