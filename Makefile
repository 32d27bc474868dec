# make run and make test are all a newcomer needs. Another Python: make run PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench fuzz clean

help:
	@echo "make run      set up, start everything with the practice phone, print the addresses to open"
	@echo "make test     set up, run every test (make test T=tests/unit for some of them)"
	@echo "make check    format, lint, types, imports"
	@echo "make bench    measurements, each beside its ceiling"
	@echo "make fuzz     spoilt requests and mails for a minute (FUZZ_S=600 for longer)"
	@echo "make setup    .venv with the locked versions;  make clean removes it again, and never your data in var/"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed, and $(PYTHON) is older or missing: name another with PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv .venv \
	  || { echo "$(PYTHON) cannot make a virtual environment: install its venv package (on Debian and Ubuntu: python3-venv)." >&2; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

run: setup
	@HUB_SANDBOX=$${HUB_SANDBOX:-on} $(BIN)/hub up

test: setup
	$(BIN)/python -m pytest $(T)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench

fuzz: setup
	$(BIN)/python -m bench.fuzz

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
