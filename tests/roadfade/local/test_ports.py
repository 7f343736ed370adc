"""Free ports, and what they keep away from."""

import socket

from roadfade.local.ports import FIRST_PORT, PORT_COUNT, free_port, is_free


def test_a_wish_is_granted_when_the_port_is_free() -> None:
    port = free_port()
    assert free_port(port) == port


def test_a_taken_port_is_never_given() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as busy:
        taken = busy.getsockname()[1]
        assert not is_free(taken)
        assert free_port(taken) != taken


def test_two_ports_of_one_process_differ() -> None:
    first = free_port()
    assert free_port(taken=frozenset((first,))) != first


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    assert FIRST_PORT <= free_port() < FIRST_PORT + PORT_COUNT <= 32_768
