import time

import numpy as np
import pytest
import torch

from fineparser.bench.machine import CLOCKS, describe, forget_peak_memory, matrix_rate, peak_memory


def test_the_processor_clock_stands_still_while_the_process_sleeps():
    passed = {}
    for name, clock in CLOCKS.items():
        start = clock()
        time.sleep(0.2)
        passed[name] = clock() - start
    assert passed["wall"] >= 0.2
    assert passed["processor"] < 0.1


def test_matrix_rate_counts_multiplications_and_additions():
    ticks = iter(float(number) for number in range(100))
    assert matrix_rate(torch.float32, lambda: next(ticks), size=10, repeats=3) == 2 * 10**3


def test_peak_memory_sees_what_was_held_and_forgets_it():
    if peak_memory() is None:
        pytest.skip("this system does not tell")
    forget_peak_memory()
    before = peak_memory()
    held = np.ones(300_000_000, dtype=np.uint8)
    assert peak_memory() >= before + 200e6
    del held
    forget_peak_memory()
    assert peak_memory() < before + 100e6


def test_the_machine_has_a_name_and_cores():
    machine = describe()
    assert machine["processor"]
    assert machine["cores"] >= 1
    assert machine["threads"] == torch.get_num_threads()
