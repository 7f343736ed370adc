"""JSON Schemas of the document's files, for editors: completion, and errors while typing.

A schema knows shapes and words; what only the whole document shows (an unknown category,
a missing notice) is the compiler's to report.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from policy.language.authority_files import Authorities, Clauses, Profiles
from policy.language.case_file import Cases
from policy.language.category_files import Categories, Notice, Precisions
from policy.language.policy_file import Policy
from policy.language.purpose_file import Purpose

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "policy": Policy,
    "authorities": Authorities,
    "clauses": Clauses,
    "profiles": Profiles,
    "categories": Categories,
    "precision": Precisions,
    "purpose": Purpose,
    "notice": Notice,
    "cases": Cases,
}
"""A schema's name (the file is ``<name>.json``) and the model behind it."""


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name."""
    return {
        name: {"$schema": DIALECT, **_closed(model.model_json_schema(by_alias=True))}
        for name, model in MODELS.items()
    }


def file_schema(file: str) -> str:
    """The name of the schema for a document's file, as ``purposes/study.yaml``."""
    folder, _, name = file.rpartition("/")
    if not folder:
        return name.removesuffix(".yaml")
    return "cases" if folder == "cases" else folder.removesuffix("s")


def _closed(schema: Any) -> Any:
    """Keys that fit no pattern are refused, as the parser refuses them."""
    if isinstance(schema, dict):
        closed = {key: _closed(inner) for key, inner in schema.items()}
        if "patternProperties" in closed:
            closed.setdefault("additionalProperties", False)
        return closed
    return [_closed(inner) for inner in schema] if isinstance(schema, list) else schema
