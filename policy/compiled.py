"""A policy document together with the plan that was compiled from it."""

from dataclasses import dataclass

from policy.language.document import Document
from policy.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """What is asked of both: what changed, which cases hold, what people read."""

    document: Document
    plan: Plan
    """Compiled from this document."""
