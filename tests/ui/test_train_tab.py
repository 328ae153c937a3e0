"""The Train tab on the page: complete at home, a sentence on a public page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, os
from fineparser.analysis.analyser import DiveAnalyser
from fineparser.ui.layout import build_app
from tests.builders import tiny_compact

analyser = DiveAnalyser(tiny_compact())
pages = {}
for public in ("1", ""):
    os.environ["FINEPARSER_PUBLIC"] = public
    page = build_app(analyser)
    components = str(page.get_config_file()["components"])
    pages[public] = {
        "explains": "Training is switched off on this public page" in components,
        "offers": "train-go" in components,
        "names": list(page.get_api_info()["named_endpoints"]),
    }
print(json.dumps(pages))
"""
"""Runs in a process of its own: Gradio leaves event loops behind."""


def test_training_is_off_on_a_public_page_and_in_the_api(tmp_path):
    environment = os.environ | {"FINEPARSER_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    public, home = json.loads(done.stdout.splitlines()[-1]).values()
    assert (public["explains"], public["offers"]) == (True, False)
    assert (home["explains"], home["offers"]) == (False, True)
    assert public["names"] == home["names"] == ["/analyse", "/inspect"]  # no endpoint has anything to do with training
