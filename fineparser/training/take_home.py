"""Fine-tuned weights to take home: one zip with the safetensors, the configuration and a model card."""

import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from fineparser.model.fineparser import FineParser
from fineparser.model.weights import CONFIG_FILE, WEIGHTS_FILE
from fineparser.training.jobs import Job
from fineparser.training.outcome import FEW_DIVES, Outcome, outcome_of
from fineparser.training.runs import RUN_FILE

CARD_FILE = "README.md"
PARTS = {
    "regression": "the comparison of dives alone; what finds the diver and the phases is that of the starting weights",
    "parsers": "what finds the diver and the phases alone; the comparison of dives is that of the starting weights",
    "everything": "the whole network",
    "spatial": "what outlines the diver alone",
    "frames": "what sees single frames of the diver alone",
    "backdrop": "what refines the diver's outline alone",
    "water": "what draws the entry alone",
    "entry": "what reads the drawn entry alone",
}


def take_home(job: Job, folder: Path) -> Path:
    """Writes `<job>.zip` into a folder: the best checkpoint so far with its card. ValueError where there is none."""
    checkpoint = job.weights
    if checkpoint is None:
        raise ValueError(f"{job.id} has no weights yet: let it train first.")
    target = folder / f"{job.id}.zip"
    part = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for name in (WEIGHTS_FILE, CONFIG_FILE):
                archive.write(checkpoint / name, f"{job.id}/{name}")
            archive.writestr(f"{job.id}/{CARD_FILE}", model_card(job))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def model_card(job: Job) -> str:
    """The card in the form that model hubs read: where the weights come from, what they gave, what they are not."""
    options, outcome = job.options, outcome_of(job.run)
    model = FineParser.from_pretrained(job.weights)
    begun = json.loads((job.run_folder / RUN_FILE).read_text())
    learnt = ", ".join(model.provenance.trained_on)
    lines = [
        "---",
        "library_name: fineparser",
        "tags:",
        "  - action-quality-assessment",
        "  - diving",
        "---",
        "",
        f"# {job.id}",
        "",
        f"FineParser weights, fine-tuned on *{job.title}* from *{job.start}*.",
        "",
        f"- Learnt: {PARTS[options.train]}.",
        f"- Learnt from, in all: {learnt}.",
        "- Scores are on the scale of the exemplars: compare with dives judged by the same kind of panel.",
        f"- Trained: {datetime.fromtimestamp(job.created, UTC):%d %B %Y}, {_length(job)}, learning rate "
        f"{options.learning_rate:g}, {options.batch_size} pairs a step, seed {options.seed}, "
        f"fineparser {begun['code']['version']} (commit {begun['code']['commit'] or 'unknown'}), "
        f"torch {begun['machine']['torch']}.",
        "",
        "## Before and after, on validation dives",
        "",
        *_numbers(outcome),
        "",
        "## Use",
        "",
        f"`python -m fineparser analyse clip.mp4 --code 107B --height 3 --checkpoint {job.id} --out results`",
        "",
        "## Limits",
        "",
        "An estimate, no judge's decision. Weights learnt from FineDiving, MTL-AQA or clips of real people are bound "
        "by the terms under which those recordings were given; ask before you pass them on.",
        "",
    ]
    return "\n".join(lines)


def _length(job: Job) -> str:
    options = job.options
    return f"about {options.minutes:g} minutes" if options.minutes else f"{options.run_epochs} epochs"


def _numbers(outcome: Outcome | None) -> list[str]:
    if outcome is None:
        return ["There were no validation dives, so nothing is known of how good these weights are."]
    lines = ["| metric | before | after | difference, 95% interval | told |", "|---|---|---|---|---|"]
    for change in outcome.changes:
        ends = "" if change.difference is None else f"{change.difference[0]:+.3f} to {change.difference[1]:+.3f}"
        lines.append(f"| {change.name} | {change.before:.3f} | {change.after:.3f} | {ends} | {change.told} |")
    count = len(outcome.dives)
    lines += ["", f"Scored validation dives: {count}{', too few to tell' if 0 < count < FEW_DIVES else ''}."]
    return [*lines, *(f"{warning}" for warning in outcome.warnings[-1:])]
