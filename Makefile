# make run and make test need nothing but python3 (3.11 or newer) and make; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
PIP_INSTALL = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
TARGET ?= docs/examples/orders/app.py
RUN_OPTIONS ?= --config docs/examples/orders/config/base.toml --profile dev
OPTIONS ?=
PYTEST_OPTIONS ?= --numprocesses=logical --maxprocesses=8 --dist=loadfile

.DEFAULT_GOAL := help
.PHONY: help run test test-all check lint types docs pytest coverage bench fuzz clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.runtime  ## Start the example service
	@cat $(wildcard $(dir $(TARGET))welcome.txt) /dev/null
	$(BIN)/trivet run $(TARGET) $(RUN_OPTIONS) $(OPTIONS)

test: check pytest  ## Everything that must pass: lint, types, docs, tests

check: lint types docs

lint: $(VENV)/.dev  ## ruff and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports

types: $(VENV)/.dev  ## mypy and pyright
	$(BIN)/mypy
	$(BIN)/pyright

docs: $(VENV)/.dev  ## Build the documentation into docs/_build/html
	$(BIN)/sphinx-build -n -W --keep-going -q -d docs/_build/doctrees docs docs/_build/html

pytest: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

coverage: $(VENV)/.dev  ## The tests with branch coverage
	$(BIN)/coverage run -m pytest $(PYTEST_OPTIONS)
	$(BIN)/coverage report

test-all: test  ## The tests on every CPython >= 3.11 of this machine, each in a venv of its own
	@$(BIN)/python .ci/interpreters.py | while read -r version python; do \
	  venv=".venvs/$$version"; \
	  $(MAKE) --no-print-directory VENV="$$venv" PYTHON="$$python" pytest </dev/null || exit 1; \
	done

bench: $(BENCH)/.peers  ## Measure trivet and its peers in the same run
	$(BENCH)/bin/python -m benchmarks $(BENCH_OPTIONS)

fuzz: $(VENV)/.fuzz  ## Fuzz every decoder for 15 s, or as FUZZ_OPTIONS say: --seconds 600 envelope
	$(BIN)/python tests/fuzz $(FUZZ_OPTIONS)

clean:  ## Remove everything that make created
	rm -rf $(VENV) .venvs $(BENCH) .tools docs/_build dist .coverage .fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache benchmarks/results.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian ships python3 without ensurepip; say so, or cure it when allowed.
%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "trivet needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; \
	  else \
	    echo "this Python cannot create virtual environments; on Debian: sudo apt-get install python3-venv" >&2; exit 1; \
	  fi; }
	$(PYTHON) -m venv $*
	$(call PIP_INSTALL,$*) --upgrade pip

.PRECIOUS: %/bin/python

%/.runtime: pyproject.toml | %/bin/python
	$(call PIP_INSTALL,$*) --editable '.[all]'
	@touch $@

%/.dev: %/.runtime
	$(call PIP_INSTALL,$*) --group dev
	@touch $@

%/.fuzz: %/.dev
	$(call PIP_INSTALL,$*) --group fuzz
	@touch $@

$(BENCH)/.peers: benchmarks/peers.txt $(BENCH)/.runtime
	$(call PIP_INSTALL,$(BENCH)) --requirement benchmarks/peers.txt
	@touch $@
