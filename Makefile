# `make demo` and `make test` do everything from a fresh clone: own environment, install, then the job.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check -q
TEST_WORKERS ?= 2
CHECKS := src tests $(wildcard benchmarks examples docs)

.DEFAULT_GOAL := help
.PHONY: help demo test bench lint format types clean

help:
	@echo "make demo    fit Old Faithful and write a report"
	@echo "make test    run the tests in two processes (TEST_WORKERS=0: in one; PYTEST_ARGS=... picks)"
	@echo "make bench   measure beside the peers, into docs/benchmarks.md (BENCH_ARGS=--quick: a glance)"
	@echo "make lint    check style with ruff      (make format mends the layout)"
	@echo "make types   check types with pyright"
	@echo "make clean   remove $(VENV) and caches"

demo: $(VENV)/.for-demo
	$(BIN)/latentia demo $(DEMO_ARGS)

test: $(VENV)/.for-test
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

bench: $(VENV)/.for-bench
	$(BIN)/python benchmarks/bench.py $(BENCH_ARGS)

lint: $(VENV)/.for-test
	$(BIN)/ruff check $(CHECKS)
	$(BIN)/ruff format --check $(CHECKS)

format: $(VENV)/.for-test
	$(BIN)/ruff check --fix $(CHECKS)
	$(BIN)/ruff format $(CHECKS)

types: $(VENV)/.for-test
	$(BIN)/pyright --pythonpath $(BIN)/python

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than pyproject.toml when what it lists is installed. The tests' list includes the demo's.
$(VENV)/.for-demo: pyproject.toml | $(VENV)/.made
	@test -e $(VENV)/.for-test -a ! pyproject.toml -nt $(VENV)/.for-test || $(PIP) -e '.[all]'
	@touch $@

$(VENV)/.for-test: pyproject.toml | $(VENV)/.made
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.for-bench: pyproject.toml | $(VENV)/.made
	$(PIP) -e '.[bench]'
	@touch $@

# The first Python that is new enough; PYTHON=/path/to/python chooses another.
$(VENV)/.made:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && break; \
	  python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "latentia needs Python 3.11 or newer, and '$(or $(PYTHON),python3)' is" \
	    "$$($(or $(PYTHON),python3) --version 2>/dev/null || echo absent):" \
	    "install one, or name it with 'make PYTHON=/path/to/python'." >&2; \
	  exit 1; \
	fi; \
	"$$python" -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "$$python could not make a virtual environment in $(VENV);" \
	    "on Debian and Ubuntu the package python3-venv provides what it lacks." >&2; \
	  exit 1; \
	}
	@touch $@
