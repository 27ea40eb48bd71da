# `make demo` and `make test` set up all they need; see README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST := agent templates sandboxes papers reviews
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check setup readme clean

## Run one complete study on two cores: from an idea to a reviewed PDF, without any key.
demo: setup
	@$(BIN)/ratchet run minimum_entropy_coupling --name "demo-$$(date +%Y%m%d-%H%M%S)"

## Run every test, the slow ones too.
test: setup
	@$(BIN)/pytest

## Format, lint, types and import contracts.
check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

## The virtual environment, pinned, and TeX and the sandbox from the system's packages.
setup:
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/setup

## Make the generated parts of README.md anew.
readme: setup
	@$(BIN)/python scripts/readme > README.new && mv README.new README.md

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
