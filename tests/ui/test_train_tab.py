"""The Train tab on the page: there at home, a sentence on a public page; its choices become a run's options."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fineparser.training.options import OptionsError
from fineparser.ui.train_choices import options_of

ROOT = Path(__file__).parents[2]
CHOSEN = ("regression", "first", "epochs", 60, 0.2, 1e-3, 8, 5, 1.0, 0.0, 1, 1, 1, 0)
"""Every choice as the page offers it first."""


PROGRAM = """
import json, os
from dataclasses import replace
from fineparser.analysis.analyser import DiveAnalyser
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.ui.layout import build_app

analyser = DiveAnalyser(FineParser(replace(FineParserConfig.tiny(), image_size=112)))
found = {}
for public in ("1", ""):
    os.environ["FINEPARSER_PUBLIC"] = public
    page = build_app(analyser)
    parts = str(page.get_config_file()["components"])
    found[public] = {
        "says why": "Training is switched off on this public page" in parts,
        "offers it": "train-go" in parts,
        "names": list(page.get_api_info()["named_endpoints"]),
    }
print(json.dumps(found))
"""
"""In a process of its own: Gradio leaves event loops behind."""


def test_nobody_trains_on_a_public_page_and_no_program_anywhere(tmp_path):
    environment = os.environ | {"FINEPARSER_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    public, home = json.loads(done.stdout.splitlines()[-1]).values()
    assert (public["says why"], public["offers it"]) == (True, False)
    assert (home["says why"], home["offers it"]) == (False, True)
    assert public["names"] == home["names"]  # what programs may call has nothing of training


def test_choices_become_options():
    options = options_of("clips:/club", 7, "/start", *CHOSEN)
    assert (options.data, options.checkpoint, options.train, options.seed) == (
        ("clips:/club",),
        "/start",
        "regression",
        7,
    )
    assert (options.epochs, options.minutes, options.validation_share) == (60, None, 0.2)
    assert (options.learning_rate, options.batch_size, options.warmup_epochs) == (1e-3, 8, 5)
    assert options.max_gradient_norm is None
    assert (options.choose_by, options.skip_broken) == ("r_l2_x100", True)
    in_minutes = options_of("clips:/club", 7, "/start", "parsers", "first", "minutes", 2.5, *CHOSEN[4:])
    assert (in_minutes.minutes, in_minutes.epochs, in_minutes.choose_by) == (2.5, 400, None)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [(3, 0, "length above 0"), (3, None, "length above 0"), (5, 0, "learning rate"), (6, None, "batch_size")],
)
def test_impossible_choices_are_refused_in_words(place, value, reason):
    chosen = [*CHOSEN]
    chosen[place] = value
    with pytest.raises(OptionsError, match=reason):
        options_of("clips:/club", 7, "/start", *chosen)
