"""Packages of the wheel: the code, its tables, and the bundled files as data packages (see fineparser/bundled.py)."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["fineparser", "fineparser.*"]), "fineparser.assets", "fineparser.checkpoints"],
    package_dir={"fineparser.assets": "assets", "fineparser.checkpoints": "checkpoints"},
    package_data={
        "fineparser.assets": ["**/*"],
        "fineparser.checkpoints": ["**/*"],
        "fineparser.domain": ["award_statistics.csv"],
        "fineparser.scoring": ["award_model.json"],
    },
)
