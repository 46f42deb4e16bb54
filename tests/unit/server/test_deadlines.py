"""When a connection is cut off. Time is given here, in seconds since the first look."""

from trackback.server.deadlines import MIN_BYTES_PER_S, Deadlines, Phase, Sight, Verdict, Watch

DEADLINES = Deadlines(keep_alive_s=75, header_s=10, body_s=30)


def looks(*sights: tuple[float, Sight], stopping: bool = False) -> list[Verdict]:
    watch = Watch(DEADLINES)
    return [watch.look(sight, now, stopping) for now, sight in sights]


def at(phase: Phase, request: int = 1, received: int = 0, unsent: int = 0, *, reading: bool = True) -> Sight:
    return Sight(phase, request, received, unsent, reading)


WAIT, CLOSE, REFUSE, ABORT = Verdict.WAIT, Verdict.CLOSE, Verdict.REFUSE, Verdict.ABORT


def test_a_client_that_connects_and_says_nothing_is_let_go_after_the_headers_deadline() -> None:
    assert looks((0, at(Phase.NEW, 0)), (9.9, at(Phase.NEW, 0)), (10, at(Phase.NEW, 0))) == [WAIT, WAIT, CLOSE]


def test_an_idle_connection_is_kept_for_its_time() -> None:
    assert looks((0, at(Phase.IDLE)), (74, at(Phase.IDLE)), (75, at(Phase.IDLE))) == [WAIT, WAIT, CLOSE]


def test_each_request_begins_its_time_anew() -> None:
    assert looks((0, at(Phase.IDLE, 1)), (74, at(Phase.IDLE, 2)), (148, at(Phase.IDLE, 3))) == [WAIT] * 3


def test_headers_have_one_deadline_however_they_trickle() -> None:
    sights = [(second, at(Phase.HEADERS, received=second)) for second in range(11)]

    assert looks(*sights) == [WAIT] * 10 + [REFUSE]


def test_a_body_may_take_long_as_long_as_it_moves() -> None:
    sights = [(second, at(Phase.BODY, received=second * MIN_BYTES_PER_S)) for second in range(0, 600, 10)]

    assert set(looks(*sights)) == {WAIT}


def test_a_body_that_stands_still_is_refused() -> None:
    sights = (0, at(Phase.BODY)), (20, at(Phase.BODY, received=1 << 20)), (49, at(Phase.BODY, received=1 << 20))

    assert looks(*sights, (50, at(Phase.BODY, received=1 << 20))) == [WAIT, WAIT, WAIT, REFUSE]


def test_a_body_that_trickles_is_refused_after_its_deadline() -> None:
    sights = [(second, at(Phase.BODY, received=second)) for second in range(31)]

    assert looks(*sights) == [WAIT] * 30 + [REFUSE]


def test_a_body_that_the_server_holds_up_is_not_the_clients_fault() -> None:
    sights = [(second, at(Phase.BODY, received=5, reading=False)) for second in range(0, 600, 10)]

    assert set(looks(*sights)) == {WAIT}


def test_the_server_may_take_long_to_answer() -> None:
    assert looks((0, at(Phase.ANSWER)), (600, at(Phase.ANSWER))) == [WAIT, WAIT]


def test_a_client_that_takes_nothing_of_its_answer_is_cut_off() -> None:
    sights = (0, at(Phase.ANSWER)), (100, at(Phase.ANSWER, unsent=9)), (129, at(Phase.ANSWER, unsent=9))

    assert looks(*sights, (130, at(Phase.ANSWER, unsent=9))) == [WAIT, WAIT, WAIT, ABORT]


def test_a_client_that_takes_its_answer_slowly_is_not() -> None:
    sights = [(10 * second, at(Phase.ANSWER, unsent=1000 - second)) for second in range(60)]

    assert set(looks(*sights)) == {WAIT}


def test_a_stop_ends_at_once_what_is_no_request_yet() -> None:
    for phase in (Phase.NEW, Phase.IDLE):
        assert looks((0, at(phase)), stopping=True) == [CLOSE]
    assert looks((0, at(Phase.HEADERS)), stopping=True) == [REFUSE]


def test_a_stop_waits_a_second_for_a_body_that_stands_still() -> None:
    assert looks((0, at(Phase.BODY)), (0.9, at(Phase.BODY)), (1, at(Phase.BODY)), stopping=True) == [WAIT, WAIT, REFUSE]


def test_a_stop_waits_for_a_body_that_moves() -> None:
    sights = [(second / 4, at(Phase.BODY, received=second << 20)) for second in range(40)]

    assert set(looks(*sights, stopping=True)) == {WAIT}


def test_a_connection_should_be_looked_at_more_often_than_its_shortest_deadline() -> None:
    assert DEADLINES.sweep_s == 1
    assert Deadlines(keep_alive_s=75, header_s=0.4, body_s=30).sweep_s == 0.1
