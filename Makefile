# Needs python3 (3.11 or newer) and make; everything else is installed into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Two test files at a time, the long ones (crash, e2e) first, as their folders are named.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: bench browser demo screenshots test test-full check lock clean
.DEFAULT_GOAL := test

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the project needs into $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)                 ## a simulated farm from "about to break" to "upgraded and verified"
	@$(BIN)/orchestrator lab demo

check: $(READY)                ## formatting, lint and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: check browser            ## everything CI runs
	@$(BIN)/python -m pytest -q $(SIDE_BY_SIDE)

browser:                       ## the browser of the page tests, from Debian; WITHOUT_BROWSER=1 does without
	@tests/browser/install

screenshots: $(READY) browser  ## renews docs/images from the page tests
	@SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/browser

test-full: test                ## what takes too long for every run (half an hour); results go to docs/
	@ORGANIZATIONS=100000 $(BIN)/python -m pytest -q tests/property/test_planner_against_exhaustive_search.py
	@ORGANIZATIONS=20000 $(BIN)/python -m pytest -q tests/property/test_stops_against_exhaustive_search.py
	@cd tests && ../$(BIN)/python -m crash.matrix ../docs/crash-matrix.md
	@cd tests && ../$(BIN)/python -m crash.copy_deaths ../docs/crash-matrix.md
	@cd tests && ../$(BIN)/python -m crash.way_backs
	@cd tests && ../$(BIN)/python -m faults.matrix ../docs/fault-matrix.md
	@cd tests && ../$(BIN)/python -m faults.copies ../docs/fault-matrix.md

bench: $(READY)                ## the planner's figures, as ratios from one run (docs/benchmarks.md)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.figures
	@PYTHONPATH=tests:. $(BIN)/python -m benchmarks.window
	@PYTHONPATH=tests:. $(BIN)/python -m benchmarks.probes

lock:                          ## renew requirements.lock from pyproject.toml
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet pip-tools
	@.venv-lock/bin/pip-compile --quiet --all-extras --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml
	@rm -rf .venv-lock

clean:
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache dist
