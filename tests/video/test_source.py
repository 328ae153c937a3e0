"""Prefetching: the order of items, errors, and the end of the thread."""

import threading

import pytest

from fineparser.video.source import prefetch

TIMEOUT = 30


def test_items_come_in_order():
    assert list(prefetch(iter(range(50)))) == list(range(50))
    assert list(prefetch(iter([]))) == []
    assert next(prefetch(iter([None]))) is None


def test_an_error_of_the_reading_is_raised_in_its_turn():
    def items():
        yield 1
        yield 2
        raise OSError("the file is gone")

    items_ahead = prefetch(items())
    assert [next(items_ahead), next(items_ahead)] == [1, 2]
    with pytest.raises(OSError, match="the file is gone"):
        next(items_ahead)


def test_it_reads_ahead_up_to_the_depth():
    read, third = [], threading.Event()

    def items():
        for number in range(100):
            read.append(number)
            if number == 3:
                third.set()
            yield number

    items_ahead = prefetch(items(), depth=3)
    assert next(items_ahead) == 0
    assert third.wait(TIMEOUT)  # it has not been requested yet
    items_ahead.close()
    assert len(read) <= 6


def test_closing_ends_the_thread_first():
    threads = threading.active_count()
    items_ahead = prefetch(iter(range(1000)))
    next(items_ahead)
    items_ahead.close()
    assert threading.active_count() == threads
