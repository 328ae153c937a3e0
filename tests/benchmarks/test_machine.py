import mmap
import time

import pytest
import torch

from benchmarks.machine import CLOCKS, describe, matrix_rate, peak_memory, reset_peak_memory


def test_the_processor_clock_stands_still_while_the_process_sleeps():
    seconds = {}
    for name, clock in CLOCKS.items():
        start = clock()
        time.sleep(0.2)
        seconds[name] = clock() - start
    assert seconds["wall"] >= 0.2
    assert seconds["processor"] < 0.1


def test_matrix_rate_counts_multiplications_and_additions():
    ticks = iter(float(number) for number in range(100))
    assert matrix_rate(torch.float32, lambda: next(ticks), size=10, repeats=3) == 2 * 10**3


def test_peak_memory_counts_freed_memory_until_it_is_reset():
    if peak_memory() is None:
        pytest.skip("this system does not report it")
    reset_peak_memory()
    before = peak_memory()
    # Mapped memory is new to the process; an array may reuse what other tests have freed.
    with mmap.mmap(-1, 300_000_000) as memory:
        memory.write(bytes(300_000_000))
        assert peak_memory() >= before + 200e6
    reset_peak_memory()
    assert peak_memory() < before + 100e6


def test_the_machine_has_a_name_and_cores():
    machine = describe()
    assert machine["processor"]
    assert machine["cores"] >= 1
    assert machine["threads"] == torch.get_num_threads()
