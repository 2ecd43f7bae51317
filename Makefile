# Every target bootstraps .venv once; nothing else has to be installed.
.DEFAULT_GOAL := help
.SILENT:
SHELL := /bin/sh
PYTHON ?= python3
IN ?= en
BIN := .venv/bin
STAMP := .venv/.from-lock
PEERS := .venv/.from-bench-lock

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11
PROCESSES ?= 2
# Libraries that count the cores would each start as many threads, which wait for each other's.
ALONE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# Some hundred processes are started: each would compile the same modules again.
COMPILED := PYTHONDONTWRITEBYTECODE=
# A file stays with one process, in the order the files are listed.
SPREAD := $(ALONE) $(COMPILED) $(BIN)/pytest --numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder

.PHONY: help demo serve test lint types migrate seed openapi bench bench-full soak format lock clean

help: ## list the targets
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## one SME from profile to a frozen shortlist and its events (IN=zh for Chinese)
	$(BIN)/matchmaker demo --language $(IN)

serve: $(STAMP) ## the API on http://127.0.0.1:8000, docs at /docs
	$(BIN)/matchmaker serve

test: $(STAMP) ## every test; benchmarks and the long forms have targets of their own
	$(SPREAD)

lint: $(STAMP) ## ruff and the layering of the rooms
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet || { echo "not formatted: run make format"; exit 1; }
	$(BIN)/lint-imports --no-cache > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

types: $(STAMP) ## mypy strict on everything, pyright strict on the rooms that decide
	$(BIN)/mypy
	$(BIN)/pyright

migrate: $(STAMP) ## bring the database to the newest schema
	$(BIN)/matchmaker migrate

seed: $(STAMP) ## load the demo pool, its firms and their needs
	$(BIN)/matchmaker seed

openapi: $(STAMP) ## write openapi/matchmaker.v1.json and docs/permissions.md
	$(BIN)/matchmaker openapi
	$(BIN)/matchmaker permissions

bench: $(PEERS) ## every benchmark at small sizes, 10 minutes; CATALOGUE=DIR also judges the ranking on a real catalogue
	$(BIN)/pytest tests/property/test_kernels.py # numba is there: what is compiled is what numpy gives
	$(BIN)/python -m tests.benchmark --quick
	test -z "$(CATALOGUE)" || $(BIN)/python -m tests.benchmark.psg "$(CATALOGUE)"

bench-full: $(PEERS) ## every benchmark at the sizes its figures are meant for, an hour or two
	$(BIN)/python -m tests.benchmark

soak: $(STAMP) ## the property and the fault tests in their long forms
	$(SPREAD) tests/property --hypothesis-profile=soak
	$(SPREAD) -m soak -rP

format: $(STAMP) ## rewrite the code in the one format
	$(BIN)/ruff check --quiet --fix-only
	$(BIN)/ruff format --quiet

lock: $(STAMP) ## write the lock files anew from pyproject.toml, newest versions with UPGRADE=--upgrade
	$(COMPILE) $(UPGRADE) --group dev pyproject.toml -o requirements.lock
	$(COMPILE) --group build -c requirements.lock pyproject.toml -o deploy/requirements.lock
	$(COMPILE) --group bench -c requirements.lock -o requirements-bench.lock

clean: ## remove what was built; keeps .data
	rm -rf .venv .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A .venv whose interpreter is gone is made again, whatever its stamp says.
ifneq ($(shell $(BIN)/python -c '' 2> /dev/null && echo runs),runs)
.PHONY: $(STAMP)
endif

# Made again when the lock changes; a broken half-made .venv never counts, the stamp comes last.
$(STAMP): requirements.lock
	command -v $(PYTHON) > /dev/null || { echo "Python 3.11 or newer is needed: $(PYTHON) was not found (try make PYTHON=python3.12)"; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: $$($(PYTHON) --version) was found (try make PYTHON=python3.12)"; exit 1; }
	$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { echo "this Python has no venv: install its venv package (Debian: apt install python3-venv)"; exit 1; }
	echo "making .venv from requirements.lock (once)"
	$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

# What the benchmarks hold us against; nothing of the product needs it.
$(PEERS): requirements-bench.lock $(STAMP)
	echo "adding requirements-bench.lock to .venv (once)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	touch $(PEERS)
