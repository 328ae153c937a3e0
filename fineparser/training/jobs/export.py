"""Export of fine-tuned weights: a zip file with safetensors, configuration and model card."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

from fineparser.atomic import atomic_write
from fineparser.model.checkpoint import CONFIG_FILE, WEIGHTS_FILE, load_network
from fineparser.training.jobs.job_folder import Job
from fineparser.training.jobs.run_comparison import FEW_DIVES, RunComparison, compare_run
from fineparser.training.run_folder import read_facts

CARD_FILE = "README.md"


def export_weights(job: Job, folder: Path) -> Path:
    """Write `<job>.zip` with the best checkpoint so far and its model card; ValueError if there is no checkpoint.

    Returns:
        Path of the file.
    """
    checkpoint = job.weights
    if checkpoint is None:
        raise ValueError(f"{job.id} has no weights yet: let it train first.")
    target = folder / f"{job.id}.zip"

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as archive:
            for name in (WEIGHTS_FILE, CONFIG_FILE):
                archive.write(checkpoint / name, f"{job.id}/{name}")
            archive.writestr(f"{job.id}/{CARD_FILE}", model_card(job, checkpoint))

    atomic_write(target, write)
    return target


def model_card(job: Job, checkpoint: Path) -> str:
    """Model card in the form of Hugging Face: origin of the weights, metrics before and after, limits."""
    from fineparser.training.launch import TASKS  # takes seconds, which the start of the app does not need

    options = job.options
    comparison = None if job.run is None else compare_run(job.run)
    model = load_network(checkpoint)
    facts = read_facts(job.run_folder)
    code, machine = facts.get("code", {}), facts.get("machine", {})
    trained_on = ", ".join(model.provenance.trained_on)
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
        f"FineParser weights, fine-tuned on *{job.title}* from *{job.start_weights}*.",
        "",
        f"- Trained part: {TASKS[options.train].trained_part}.",
        f"- Trained on, in all: {trained_on}.",
        "- Scores are on the scale of the exemplars: compare with dives judged by the same kind of panel.",
        f"- Trained: {datetime.fromtimestamp(job.created, UTC):%d %B %Y}, {_length(job)}, learning rate "
        f"{options.learning_rate:g}, batch size {options.batch_size}, seed {options.seed}, "
        f"fineparser {code.get('version')} (commit {code.get('commit') or 'unknown'}), torch {machine.get('torch')}.",
        "",
        "## Before and after, on validation dives",
        "",
        *_metrics(comparison),
        "",
        "## Use",
        "",
        f"`python -m fineparser analyse clip.mp4 --code 107B --height 3 --checkpoint {job.id} --out results`",
        "",
        "## Limits",
        "",
        "Predicted scores are estimates, not decisions of judges. Weights trained on FineDiving, MTL-AQA or clips of "
        "real people are bound by the terms of those recordings: ask before you distribute them.",
        "",
    ]
    return "\n".join(lines)


def _length(job: Job) -> str:
    options = job.options
    return f"about {options.minutes:g} minutes" if options.minutes else f"{options.run_epochs} epochs"


def _metrics(comparison: RunComparison | None) -> list[str]:
    if comparison is None:
        return ["There were no validation dives: the quality of these weights is not known."]
    lines = ["| metric | before | after | difference, 95% interval | verdict |", "|---|---|---|---|---|"]
    for change in comparison.changes:
        ends = "" if change.difference is None else f"{change.difference[0]:+.3f} to {change.difference[1]:+.3f}"
        lines.append(f"| {change.name} | {change.before:.3f} | {change.after:.3f} | {ends} | {change.verdict} |")
    count = len(comparison.dives)
    lines += ["", f"Scored validation dives: {count}{', too few to tell' if 0 < count < FEW_DIVES else ''}."]
    return [*lines, *comparison.warnings[-1:]]
