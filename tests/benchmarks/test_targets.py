"""When a target counts as met."""

from benchmarks.targets import Against, Growth, Ratio, Under, ratio


def test_a_latency_half_the_others_is_twice_as_good() -> None:
    assert ratio("single_p50", {"single_p50": [1.0]}, {"single_p50": [2.0]}) == Ratio(2.0, 2.0, 2.0)


def test_a_rate_half_the_others_is_half_as_good() -> None:
    assert ratio("history", {"history": [1.0]}, {"history": [2.0]}) == Ratio(0.5, 0.5, 0.5)


def test_rounds_are_compared_one_by_one_and_the_median_decides() -> None:
    own, other = {"history": [10.0, 1.0, 6.0]}, {"history": [1.0, 1.0, 2.0]}
    assert ratio("history", own, other) == Ratio(3.0, 1.0, 10.0)
    assert Against("fasttrackml", 3).reached("history", own, {"fasttrackml": other}) is True
    assert Against("fasttrackml", 3.1).reached("history", own, {"fasttrackml": other}) is False


def test_nothing_is_claimed_against_a_peer_that_was_not_measured() -> None:
    assert Against("fasttrackml", 3).reached("history", {"history": [1.0]}, {}) is None


def test_a_limit_is_for_the_median() -> None:
    assert Under(120).reached("idle_memory", {"idle_memory": [500.0, 119.0, 118.0]}, {}) is True


def test_growth_counts_only_above_its_fixed_value() -> None:
    growth = Growth("search_tag", times=5, or_under=30)
    assert growth.reached("search_many_tag", {"search_tag": [1.0], "search_many_tag": [29.0]}, {}) is True
    assert growth.reached("search_many_tag", {"search_tag": [1.0], "search_many_tag": [31.0]}, {}) is False
    assert growth.reached("search_many_tag", {"search_tag": [10.0], "search_many_tag": [31.0]}, {}) is True
