"""Rows that a store keeps, and when they expire under the policy in force."""

from typing import NamedTuple


class Kept(NamedTuple):
    """Rows of one column that one version let through and that end at one instant."""

    output: str
    """The place that holds them."""
    policy_version: str
    """The version that let them through, as their records carry it."""
    signal: str
    """Their column."""
    expires_ms: int
    decided_by: int
    """The number of the version that gave them this end; 0: their own."""
    last_ms: int
    """The latest time of theirs."""


class End(NamedTuple):
    """When rows end, and the number of the version that decided it; 0: their own."""

    expires_ms: int
    decided_by: int
