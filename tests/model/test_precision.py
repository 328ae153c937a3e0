"""In which numbers a network computes."""

import subprocess
import sys

import pytest
import torch

from fineparser.model.precision import dtype_of, has_bfloat16


def test_auto_takes_what_the_device_has(monkeypatch):
    for there, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr("fineparser.model.precision.has_bfloat16", lambda device, there=there: there)
        assert dtype_of("auto", "cpu") == dtype
        assert dtype_of("float32", "cpu") == torch.float32


def test_an_unavailable_precision_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="one of float32, bf16, auto, not 'half'"):
        dtype_of("half")
    monkeypatch.setattr("fineparser.model.precision.has_bfloat16", lambda device: True)
    assert dtype_of("bf16") == torch.bfloat16
    monkeypatch.setattr("fineparser.model.precision.has_bfloat16", lambda device: False)
    with pytest.raises(ValueError, match="this machine's cpu has no bf16: take float32, or auto"):
        dtype_of("bf16", torch.device("cpu"))


def test_a_device_that_is_neither_processor_nor_cuda_has_none():
    assert not has_bfloat16("meta")


def test_the_names_come_without_torch():
    program = "import sys, fineparser.training.options, fineparser.cli.analyse; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
