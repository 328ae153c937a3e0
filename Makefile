# make app    installs what is needed and starts the app on http://localhost:7860
# make check  lint, types and the fast tests, in under two minutes
# make test   every check
# make bench  measures this machine
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Files of tests side by side, one thread each.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: app check test bench lint clean

app: $(INSTALLED)
	$(BIN)/python app.py

check: lint
	$(PYTEST) -m core

# Browser tests wait for the app's answers, so they run alone.
test: lint
	$(PYTEST) -m "not browser"
	$(BIN)/python -m pytest -q -m browser tests

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks simulator
	$(BIN)/python -m benchmarks model
	$(BIN)/python -m benchmarks app
	$(BIN)/python -m benchmarks video

# The stamp is written last, so that an interrupted installation is taken up again.
$(INSTALLED): requirements.txt pyproject.toml setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) build dist
