"""Who may do what on a cluster: the port, over Kafka's own list of rights.

Names are the cluster's, prefix and all: a right of somebody else may reach what is ours. Only
rights that allow are listed; one that denies gives nobody anything.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol, Self


class Right(NamedTuple):
    """One principal may do one thing with one resource."""

    principal: str
    operation: str
    """In Kafka's words: ``Read``, ``DescribeConfigs``."""
    resource: str
    """``topic``, ``group``, ``cluster``; others of Kafka's as it calls them."""
    name: str
    pattern: str = "literal"
    """``prefixed``: every name that begins so. The literal name ``*`` is every name."""
    host: str = "*"

    def __str__(self) -> str:
        """As one line of an answer."""
        pattern = "" if self.pattern == "literal" else f" ({self.pattern})"
        host = "" if self.host == "*" else f" from {self.host}"
        return f"{self.principal}: {self.operation} {self.resource} {self.name}{pattern}{host}"


class AccessRights(Protocol):
    """The list, as an administrator sees and changes it; use as ``async with``.

    NoAuthorizerError if the broker has none; BrokerError if it refuses, or does not answer.
    """

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    async def held(self) -> frozenset[Right]:
        """Every right of everybody."""

    async def give(self, rights: Iterable[Right]) -> None:
        """Add rights; one that is there stays as it is."""

    async def take(self, rights: Iterable[Right]) -> None:
        """Take away these very rights, and no other that is like them."""
