"""What a process leaves of the machine to others."""

import os

import pytest
import torch

from fineparser.training.machine import beside


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_processes_beside_get_cores_and_give_them_back(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    torch.set_num_threads(2)
    for workers, left in ((0, 2), (1, 2), (3, 1), (9, 1)):
        with beside(workers):
            assert torch.get_num_threads() == left
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("threads")
def test_cores_come_back_after_an_error():
    torch.set_num_threads(2)
    with pytest.raises(ValueError, match="broken"), beside(8):
        raise ValueError("broken")
    assert torch.get_num_threads() == 2
