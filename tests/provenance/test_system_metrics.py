"""Metrics of the machine, by MLflow's names."""

import time

from trackback.provenance import SystemMetrics

NAMES = {
    "system/cpu_utilization_percentage",
    "system/system_memory_usage_megabytes",
    "system/system_memory_usage_percentage",
    "system/disk_usage_percentage",
    "system/disk_usage_megabytes",
    "system/disk_available_megabytes",
    "system/network_receive_megabytes",
    "system/network_transmit_megabytes",
}


def test_metrics_have_mlflows_names() -> None:
    sample = SystemMetrics().sample()

    assert {name for name in sample if not name.startswith("system/gpu_")} == NAMES


def test_percentages_are_of_a_hundred_and_nothing_is_negative() -> None:
    sample = SystemMetrics().sample()

    assert all(value >= 0 for value in sample.values())
    assert all(value <= 100 for name, value in sample.items() if name.endswith("percentage"))


def test_the_processors_use_is_that_since_the_sample_before() -> None:
    metrics = SystemMetrics()
    metrics.sample()
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass

    assert metrics.sample()["system/cpu_utilization_percentage"] > 10


def test_a_sample_takes_little_of_the_processor() -> None:
    metrics = SystemMetrics()
    began = time.process_time()
    for _ in range(100):
        metrics.sample()

    assert (time.process_time() - began) / 100 < 0.002
