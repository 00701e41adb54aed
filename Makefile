# Everything a fresh machine with make, Python >= 3.11 and git needs. `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that really answers with 3.11 or later; shims of absent versions do not.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(p) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null && echo $(p))))
PORT ?= 8000
BENCH_REPORT := docs/benchmarks.md

.DEFAULT_GOAL := help
.PHONY: help run test test-postgresql test-fast lint contracts openapi messages bench lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/pip: requirements/build.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed (set PYTHON=...)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/app: requirements/app.txt pyproject.toml $(VENV)/pip
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/app
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

run: $(VENV)/app ## a demo of three parks: print one park's books, then serve on 127.0.0.1
	@test -e "$${CATCHMENT_DATA:-var}/registrar.key" || $(BIN)/catchment init --origin demo.catchment.example
	@$(BIN)/catchment demo
	@$(BIN)/catchment park "Heron Lake Zero-Carbon Park" --year 2025
	@$(BIN)/catchment serve --port $(PORT)

test: $(VENV)/dev ## every test, slow ones included; COVERAGE=1 shows what they reach
	$(BIN)/pytest -n auto --dist loadgroup $(if $(COVERAGE),--cov --cov-report=)
	$(BIN)/pytest -n auto --dist loadgroup --database postgresql \
	  $(if $(COVERAGE),--cov --cov-append --cov-report=term)

test-postgresql: $(VENV)/dev ## only what touches a database, on a PostgreSQL server from a wheel
	$(BIN)/pytest -n auto --dist loadgroup --database postgresql

test-fast: $(VENV)/dev ## the tests that take seconds
	$(BIN)/pytest -n auto --dist loadgroup -m "not slow"

lint: $(VENV)/dev ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

contracts: $(VENV)/dev ## the floors, and openapi.yaml as the server writes it
	$(BIN)/lint-imports
	$(BIN)/catchment openapi --check

openapi: $(VENV)/app ## write openapi.yaml from the code
	$(BIN)/catchment openapi

bench: $(VENV)/dev ## measure, as ratios in one run, and write the report
	$(BIN)/python -m tests.bench $(BENCH_REPORT)

lock: $(VENV)/pip ## resolve requirements/*.in anew, with hashes and without addresses
	for name in build app dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements/$$name.in -o requirements/$$name.txt; \
	done

clean: ## forget the environment and the local data
	rm -rf $(VENV) var
