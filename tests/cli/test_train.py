"""python -m fineparser train, and then evaluate."""

import json
from dataclasses import replace

import pytest

from fineparser.cli.command_line import main
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig

pytestmark = pytest.mark.slow


def test_train_then_evaluate(tmp_path, capsys):
    run = tmp_path / "run"
    config = tmp_path / "small.json"
    architecture = replace(CompactConfig.tiny(), image_size=112).to_json()
    config.write_text(json.dumps({"network": "CompactFineParser", "architecture": architecture}))
    numbers = ["--batch-size", "2", "--max-steps", "1", "--validation-limit", "2", "--no-progress"]
    assert main(["train", "--data", "syndive:4", "--config", str(config), "--out", str(run), *numbers]) == 0
    output = capsys.readouterr().out
    assert "after 1 steps" in output
    checkpoint = next(run.rglob("model.safetensors")).parent
    assert CompactFineParser.from_pretrained(checkpoint).provenance.trained
    out = tmp_path / "numbers.json"
    arguments = ["--checkpoint", str(checkpoint), "--out", str(out), "--exemplars", "1", "--limit", "2"]
    assert main(["evaluate", "--data", "syndive:4", "--resamples", "20", "--no-progress", *arguments]) == 0
    assert out.is_file()
    assert out.with_suffix(".csv").is_file()
