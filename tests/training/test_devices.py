"""Devices, precision and threads of a process."""

import os

import pytest
import torch

from fineparser.training.devices import accelerator_for, device_for, reserve_cores


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_workers_get_cores_until_the_context_ends(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    torch.set_num_threads(2)
    for workers, left in ((0, 2), (1, 2), (3, 1), (9, 1)):
        with reserve_cores(workers):
            assert torch.get_num_threads() == left
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("threads")
def test_cores_come_back_after_an_error():
    torch.set_num_threads(2)
    with pytest.raises(ValueError, match="broken"), reserve_cores(8):
        raise ValueError("broken")
    assert torch.get_num_threads() == 2


def test_a_processor_trains_in_bf16_only_if_it_is_requested_and_supported(monkeypatch):
    """Emulated bf16 would be several times slower."""
    monkeypatch.setattr("fineparser.model.precision.has_bfloat16", lambda device: False)
    for precision in (None, "float32", "auto"):
        assert accelerator_for("cpu", precision).mixed_precision == "no"
    with pytest.raises(ValueError, match="no bf16"):
        accelerator_for("cpu", "bf16")
    monkeypatch.setattr("fineparser.model.precision.has_bfloat16", lambda device: True)
    assert accelerator_for("cpu", None).mixed_precision == "no"


def test_devices():
    assert device_for("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="CUDA_VISIBLE_DEVICES"):
        device_for("cuda:1")
