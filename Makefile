# Needs Python 3.11 or newer, and nothing else of ours. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Most of the time tests wait for brokers and for sessions to time out. The fixtures of a file are shared.
TESTS_AT_ONCE ?= --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder
SOURCES := schemas services tests bench

.DEFAULT_GOAL := help
.PHONY: help up test check setup browser format lock chaos bench wheel clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

up: setup  ## run the service with a demo city: a month of history, then live
	$(BIN)/hotline up --demo

test: setup browser check  ## everything that checks the project, on every broker that is here
	$(BIN)/pytest $(TESTS_AT_ONCE)

check: setup  ## style, types, layers, generated schemas
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.generate --check

setup: $(STAMP)  ## the virtual environment, once

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

browser:
	@deploy/chromium.sh

format: setup  ## put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock:  ## write requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes \
		--no-annotate --no-header -o requirements.lock

chaos: setup  ## kill everything while a city sends a million events; see docs/chaos.md
	$(BIN)/python -m tests.chaos

bench: setup  ## measure; see bench/report.md
	$(BIN)/python -m bench

wheel: setup  ## build dist/*.whl with compiled rules (needs a C compiler; docs/performance.md)
	rm -rf dist
	$(BIN)/python -m hatchling build -t sdist -d dist
	HATCH_BUILD_HOOK_ENABLE_MYPYC=true $(BIN)/pip wheel --no-deps --no-build-isolation -w dist dist/*.tar.gz

clean:  ## remove what make made; data in .hotline stay
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
