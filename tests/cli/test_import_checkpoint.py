"""python -m fineparser import-checkpoint."""

import pytest
import torch

from fineparser.cli.command_line import main
from fineparser.model.config import FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.model.reference_weights import reference_name

pytestmark = pytest.mark.slow


def test_import_checkpoint(tmp_path, capsys):
    torch.manual_seed(0)
    paper = FineParser(FineParserConfig())
    state: dict = {}
    for name, value in paper.state_dict().items():
        module, parameter = reference_name(name)
        state.setdefault(module, {})[parameter] = value
    torch.save(state, tmp_path / "best.pth")
    assert main(["import-checkpoint", str(tmp_path / "best.pth"), "--out", str(tmp_path / "out")]) == 0
    again = FineParser.from_pretrained(tmp_path / "out")
    assert again.config == FineParserConfig()
    assert again.fingerprint() == paper.fingerprint()
    torch.save({"colour": torch.zeros(1)}, tmp_path / "other.pth")
    assert main(["import-checkpoint", str(tmp_path / "other.pth"), "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert "other.pth" in error
    assert "base_model/backbone.conv3d_1a_7x7.conv3d.weight" in error
    with pytest.raises(SystemExit):
        main(["import-checkpoint", "--out", str(tmp_path)])
