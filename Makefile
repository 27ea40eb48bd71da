# `make demo` and `make test` set up all they need; see README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST := agent templates sandboxes papers reviews
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check setup dev readme clean

## Run one complete study on two cores: from an idea to a reviewed PDF, without any key.
demo: setup
	@$(BIN)/ratchet run minimum_entropy_coupling --name "demo-$$(date +%Y%m%d-%H%M%S)"

## Run every test, the slow ones too.
test: dev
	@$(BIN)/pytest -n logical --maxprocesses 8 --dist worksteal

## Format, lint, types and import contracts.
check: dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

## The virtual environment, pinned, and TeX and the sandbox from the system's packages.
setup:
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/setup

## The same, and what the checks and the tests need.
dev:
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/setup dev

## Make the generated parts of README.md anew.
readme: dev
	@$(BIN)/python scripts/readme > README.new && mv README.new README.md

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
