"""Ports: free ones, taken ones, and who has taken them."""

import os
import socket
from collections.abc import Iterator

import pytest

from kairos.errors import KairosError
from kairos.local.ports import free_ports, holder, is_listening, require_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_free_ports_are_distinct_and_nobody_listens_there() -> None:
    found = free_ports(20)
    assert len(set(found)) == 20
    assert not any(map(is_listening, found))


def test_a_taken_port_is_noticed(taken_port: int) -> None:
    assert is_listening(taken_port)


def test_the_error_names_the_port_the_purpose_the_process_and_the_way_out(taken_port: int) -> None:
    with pytest.raises(KairosError) as caught:
        require_free(taken_port, "the broker", "--port")
    assert f"Port {taken_port}, needed for the broker, is taken by process {os.getpid()}" in caught.value.message
    assert "--port" in caught.value.hint


def test_a_free_port_is_no_error() -> None:
    require_free(free_ports(1)[0], "the broker", "--port")


def test_nobody_is_named_for_a_port_nobody_holds() -> None:
    assert holder(free_ports(1)[0]) == "another process"
