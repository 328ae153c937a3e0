"""Imports point down: a floor imports only from the floors below it, and siblings leave each other alone."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fineparser"

FLOORS = {
    "atomic": 0,
    "progress": 0,
    "quality_warning": 0,
    "bundled": 0,
    "domain": 1,
    "video": 2,
    "simulator": 2,
    "model": 2,
    "data": 3,
    "exemplars": 4,
    "kinematics": 4,
    "analysis": 5,
    "training": 5,
    "rendering": 6,
    "ui": 7,
    "cli": 8,
    "__main__": 9,
}
# Floors that must run where only the arithmetic is installed (a GPU machine without the app's packages).
WITHOUT_THE_APP = ("domain", "video", "simulator", "model", "data", "training")
PACKAGES_OF_THE_APP = {"gradio", "plotly", "moviepy"}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file, as absolute dotted names."""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found |= {stem} | {f"{stem}.{alias.name}" for alias in node.names}
    return found


def floor_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "fineparser" and len(parts) > 1 and parts[1] in FLOORS else None


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_point_down(path):
    here = floor_of(module_of(path))
    if here is None:  # fineparser/__init__.py, which imports by name on demand
        return
    for module in imports_of(path):
        there = floor_of(module)
        if there is None or there == here:
            continue
        assert FLOORS[there] < FLOORS[here], (
            f"{module_of(path)} (floor {FLOORS[here]}) imports {module} (floor {FLOORS[there]})"
        )


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_the_app_stays_out_of_the_lower_floors(path):
    here = floor_of(module_of(path))
    packages = {module.split(".")[0] for module in imports_of(path)}
    if here in WITHOUT_THE_APP:
        assert not packages & PACKAGES_OF_THE_APP
    if here == "domain":
        assert packages <= set(sys.stdlib_module_names) | {"numpy", "fineparser"}
    if here in ("analysis", "rendering"):
        assert not any(module.startswith("fineparser.training") for module in imports_of(path))


def test_no_circles_inside_a_package():
    known = {module_of(path) for path in SOURCES}
    graph = {module_of(path): imports_of(path) & known - {module_of(path)} for path in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(circle.args[1])}")


def test_the_app_starts_without_training():
    """Scoring a clip needs nothing that learns: importing the report's floors leaves `training` unloaded."""
    floors = [name for name in ("analysis", "rendering") if (PACKAGE / name).is_dir()]
    modules = [module_of(path) for path in SOURCES if floor_of(module_of(path)) in floors]
    program = (
        f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
        "print([m for m in sys.modules if m.startswith('fineparser.training')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
