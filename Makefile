# Every target makes what it needs: the first one that runs makes .venv and installs gnnmax into it.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: setup demo test test-altered test-slow test-lowest wheel check bench docs links clean help

VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: $(STAMP)  ## make .venv and install gnnmax with its tools

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "gnnmax needs Python 3.11 or later on the PATH: install it, or make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup  ## the question answered: data, nets, tests on real graphs, and the page: about five minutes
	$(BIN)/gnnmax generate spike-9 --out datasets/spike-9 --workers 2 --force
	$(BIN)/gnnmax compare --data datasets/spike-9 --also real-les-miserables,real-karate \
		--models cnn,question,question-max,gnn --seeds 2 --workers 2 --out runs/demo --force
	$(BIN)/gnnmax report runs/demo --answer
	$(BIN)/gnnmax reproduce order --quick

test: setup  ## tests and doctests
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not slow'

test-altered: setup  ## 20,000 altered files of every format that is read back
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m altered --mutants 20000

test-slow: setup  ## the simulations that need minutes
	$(BIN)/python -m pytest -q -n 2 -m slow

test-lowest: setup  ## the suite with the lowest versions that pyproject.toml declares; torch stays as pinned
	.ci/lowest $(BIN)/python

wheel: setup  ## build the wheel, check it, install it outside the checkout and run four commands
	.ci/wheel $(BIN)/python

check: setup  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup  ## speed as ratios to a floor or a peer, in one run
	$(BIN)/python -m benchmarks

docs: setup  ## the site in build/site/html, from clean: notebooks and gallery executed, warnings are errors
	rm -rf build/site docs/generated
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -b html -W --keep-going -n -q -j 2 -d build/site/doctrees docs build/site/html

links: setup  ## ask every address on the site whether it answers: needs the network
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -b linkcheck -q -j 2 -d build/site/doctrees docs build/site/links

clean:  ## remove the environment and what tools left; runs and data stay
	rm -rf $(VENV) .lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis
