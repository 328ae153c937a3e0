import threading

import pytest

from fineparser.video.read_ahead import read_ahead

PATIENCE = 30


def test_everything_comes_in_order():
    assert list(read_ahead(iter(range(50)))) == list(range(50))
    assert list(read_ahead(iter([]))) == []
    assert next(read_ahead(iter([None]))) is None


def test_what_reading_raises_comes_in_its_turn():
    def items():
        yield 1
        yield 2
        raise OSError("the file is gone")

    found = read_ahead(items())
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(OSError, match="the file is gone"):
        next(found)


def test_it_reads_beside_the_work_but_not_far_ahead():
    read, third = [], threading.Event()

    def items():
        for number in range(100):
            read.append(number)
            if number == 3:
                third.set()
            yield number

    found = read_ahead(items(), most=3)
    assert next(found) == 0
    assert third.wait(PATIENCE)  # nobody has asked for it yet
    found.close()
    assert len(read) <= 6


def test_closing_ends_the_thread_first():
    threads = threading.active_count()
    found = read_ahead(iter(range(1000)))
    next(found)
    found.close()
    assert threading.active_count() == threads
