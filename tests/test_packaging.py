"""The wheel, installed into a clean environment, works from another folder with everything that README promises."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SOURCES = (
    "fineparser",
    "assets",
    "checkpoints",
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "README.md",
    "LICENSE",
)


def run(*command: object, cwd: Path) -> str:
    """Output of a command that has to succeed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """Interpreter of an environment that has the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    shutil.rmtree(source)
    run(sys.executable, "-m", "venv", "--without-pip", "env", cwd=folder)
    interpreter = folder / "env" / "bin" / "python"
    run(*pip, "--python", interpreter, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    # A plain line of a .pth file adds a folder without its own .pth files, so this checkout stays out.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "env" / "lib" / version / "site-packages"
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return interpreter


def test_the_package_is_the_installed_one(python, tmp_path):
    place = run(python, "-c", "import fineparser; print(fineparser.__file__)", cwd=tmp_path)
    assert str(python.parents[1]) in place


def test_the_lines_of_readme_work(python, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    output = run(python, "-c", code, cwd=tmp_path)
    assert "back 3 1/2 somersaults" in output
    assert len(output.splitlines()) == 4
    assert "Quantity(unit='m'" in output


def test_bundled_files_are_package_data(python, tmp_path):
    program = (
        "from fineparser.bundled import bundled\n"
        "from fineparser.domain.standards import award_prior\n"
        "names = ['checkpoints/fineparser-compact/model.safetensors', 'checkpoints/fineparser-compact/README.md',\n"
        "         'assets/exemplar_bank.safetensors', 'assets/viewer.js', 'assets/examples/platform-10m-207C.mp4']\n"
        "clips = list(bundled('assets/exemplar_bank_clips').iterdir())\n"
        "print(all(bundled(name).is_file() for name in names), len(clips), award_prior(None, '103B', 1).mean < 6)"
    )
    clips = len(list((ROOT / "assets" / "exemplar_bank_clips").iterdir()))
    assert run(python, "-c", program, cwd=tmp_path).split() == ["True", str(clips), "True"]


def test_the_command_line_is_installed(python, tmp_path):
    assert "analyse" in run(python.parent / "fineparser", "--help", cwd=tmp_path)
