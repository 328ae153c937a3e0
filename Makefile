# make app   installs what is needed and starts the app on http://localhost:7860
# make test  installs what is needed and runs every check
# make bench measures this machine
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: app test bench lint clean

app: $(INSTALLED)
	$(BIN)/python app.py

# Files of tests side by side, a core each; those that wait for a browser's answers afterwards, alone.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "not browser" --numprocesses auto --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest -q -m browser tests

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(INSTALLED)
	$(BIN)/python -m fineparser bench simulate
	$(BIN)/python -m fineparser bench model
	$(BIN)/python -m fineparser bench app

# The stamp is written last, so that an interrupted installation is taken up again.
$(INSTALLED): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $(INSTALLED)

clean:
	rm -rf $(VENV)
