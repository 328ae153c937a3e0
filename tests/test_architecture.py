"""Imports point down: a package imports only from packages below it, without cycles."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fineparser"

LEVELS = {
    "atomic": 0,
    "progress": 0,
    "quality_warning": 0,
    "bundled": 0,
    "plain_values": 0,
    "pickle_check": 0,
    "domain": 1,
    "video": 2,
    "simulator": 2,
    "model": 2,
    "data": 3,
    "exemplars": 4,
    "kinematics": 4,
    "scoring": 5,
    "analysis": 6,
    "training": 6,
    "rendering": 7,
    "ui": 8,
    "cli": 9,
    "__main__": 10,
}
# Packages that run where only the numerical libraries are installed (a GPU machine without the app's packages).
WITHOUT_THE_APP = ("domain", "video", "simulator", "model", "data", "exemplars", "training")
PACKAGES_OF_THE_APP = {"gradio", "plotly"}
# `encode` is a function of tensors.
NOT_IN_MODEL = {"cv2", "threading", "concurrent"}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file, as absolute dotted names."""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            modules |= {stem} | {f"{stem}.{alias.name}" for alias in node.names}
    return modules


def level_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "fineparser" and len(parts) > 1 and parts[1] in LEVELS else None


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_point_down(path):
    importer = level_of(module_of(path))
    if importer is None:  # fineparser/__init__.py, which imports by name on demand
        return
    for module in imports_of(path):
        imported = level_of(module)
        if imported is None or imported == importer:
            continue
        assert LEVELS[imported] < LEVELS[importer], (
            f"{module_of(path)} (level {LEVELS[importer]}) imports {module} (level {LEVELS[imported]})"
        )


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_third_party_packages_stay_where_they_belong(path):
    importer = level_of(module_of(path))
    packages = {module.split(".")[0] for module in imports_of(path)}
    if importer in WITHOUT_THE_APP:
        assert not packages & PACKAGES_OF_THE_APP
    if importer == "domain":
        assert packages <= set(sys.stdlib_module_names) | {"numpy", "fineparser"}
    if importer == "model":
        assert not packages & NOT_IN_MODEL
    if importer in ("analysis", "rendering"):
        assert not any(module.startswith("fineparser.training") for module in imports_of(path))


def test_no_cycles_inside_a_package():
    known = {module_of(path) for path in SOURCES}
    graph = {module_of(path): imports_of(path) & known - {module_of(path)} for path in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(f"modules import each other in a cycle: {' -> '.join(cycle.args[1])}")


def test_analysis_and_rendering_load_neither_training_nor_the_simulator():
    modules = [module_of(path) for path in SOURCES if level_of(module_of(path)) in ("analysis", "rendering")]
    program = (
        f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
        "print([m for m in sys.modules if m.startswith(('fineparser.training', 'fineparser.simulator'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
