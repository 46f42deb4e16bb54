from tests.servers.program import free_port, ports_of


def test_no_two_workers_are_given_the_same_port() -> None:
    assert set(ports_of("gw0")).isdisjoint(ports_of("gw1"))


def test_the_same_port_is_not_given_twice_in_a_row() -> None:
    """The one who was given it first may not listen on it yet."""
    assert len({free_port() for _ in range(100)}) == 100
