"""Kafka's own errors leave the client as ours, with the first as the cause."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from aiokafka.errors import KafkaError

from bus.failures import BrokerError

P = ParamSpec("P")
T = TypeVar("T")


def translated(ask: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Await a call; raise BrokerError for what Kafka or its client refuses."""

    @wraps(ask)
    async def asked(*args: P.args, **options: P.kwargs) -> T:
        try:
            return await ask(*args, **options)
        except KafkaError as error:
            raise BrokerError(str(error)) from error

    return asked
