"""python -m fineparser examples."""

from fineparser.cli.command_line import main
from fineparser.data import example_clips
from fineparser.video.reading import probe


def test_the_command_writes_the_examples(tmp_path, monkeypatch, capsys):
    some = example_clips.EXAMPLES[2:3]
    monkeypatch.setattr(example_clips, "EXAMPLES", some)
    assert main(["examples", "--out", str(tmp_path)]) == 0
    assert "105B from 3 m" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == [some[0].path.name]
    assert probe(tmp_path / some[0].path.name).frame_count == len(some[0].plan().times)
