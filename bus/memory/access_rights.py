"""A list of rights in this process that obeys its port."""

from collections.abc import Iterable
from typing import Self

from bus.access_rights import Right
from bus.failures import NoAuthorizerError


class MemoryRights:
    """Obeys ``access_rights.AccessRights``; ``guarded`` says whether there is an authorizer."""

    def __init__(self, held: Iterable[Right] = (), *, guarded: bool = True) -> None:
        self._held = set(held)
        self._guarded = guarded

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def held(self) -> frozenset[Right]:
        """Every right of everybody."""
        return frozenset(self._list())

    async def give(self, rights: Iterable[Right]) -> None:
        """Add rights."""
        self._list().update(rights)

    async def take(self, rights: Iterable[Right]) -> None:
        """Take away these very rights."""
        self._list().difference_update(rights)

    def _list(self) -> set[Right]:
        if not self._guarded:
            raise NoAuthorizerError
        return self._held
