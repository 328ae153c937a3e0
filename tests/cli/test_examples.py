"""python -m fineparser examples."""

from functools import partial

import pytest

from fineparser.cli.command_line import main
from fineparser.data import example_clips
from fineparser.video.reader import probe

pytestmark = pytest.mark.slow


def test_the_command_writes_the_examples(tmp_path, monkeypatch, capsys):
    some = example_clips.EXAMPLES[2:3]
    monkeypatch.setattr(example_clips, "write_examples", partial(example_clips.write_examples, examples=some))
    assert main(["examples", "--out", str(tmp_path)]) == 0
    assert "105B from 3 m" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == [some[0].path.name]
    assert probe(tmp_path / some[0].path.name).frame_count == len(some[0].plan().times)
