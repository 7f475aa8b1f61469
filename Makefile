# Two commands matter: `make run` (a bot to chat with, offline) and `make test` (everything that is checked).
# PYTHON names the interpreter that makes the virtual environment (3.11 or later); ARGS goes on to the command.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# Stamps: pip runs again only when pyproject.toml has changed, so that a second `make run` starts at once.
INSTALLED      := $(VENV)/.installed
INSTALLED_TEST := $(VENV)/.installed-test

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint types imports unit chaos bench widget docs browser clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=python3.12 run" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "No virtual environment could be made (Debian: apt-get install python3-venv)" >&2; exit 1; }

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV)…"
	@$(PIP) install --quiet --editable .
	@touch $@

$(INSTALLED_TEST): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), with what the tests need…"
	@$(PIP) install --quiet --editable '.[test]'
	@touch $(INSTALLED) $@

run: $(INSTALLED) ## Start the server with the demo bot; prints the address of its page
	@exec $(BIN)/gateway serve --demo $(ARGS)

test: lint types imports unit ## Check everything: style, types, import contracts, tests

lint: $(INSTALLED_TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED_TEST)
	$(BIN)/mypy

imports: $(INSTALLED_TEST)
	$(BIN)/lint-imports

# The unit tests share nothing and run side by side; the others have servers, clocks and a browser, one at a time.
unit: $(INSTALLED_TEST) browser
	$(BIN)/python -m pytest -q -n 2 tests/unit $(ARGS)
	$(BIN)/python -m pytest tests/integration tests/acceptance $(ARGS)

# The browser tests need a Chromium. As root on a machine with apt-get it is installed; otherwise those tests
# are skipped and say so.
browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "Installing Chromium for the browser tests…"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null || \
		echo "Chromium could not be installed: the browser tests will be skipped" >&2; \
	else \
		echo "No Chromium here, and apt-get needs root: the browser tests will be skipped" >&2; \
	fi

chaos: $(INSTALLED_TEST) ## Kill the server, PostgreSQL and Valkey at every point, for long
	$(BIN)/python -m tests.chaos --long $(ARGS)

bench: $(INSTALLED_TEST) ## Measure throughput, latency and memory beside hand-written servers
	$(BIN)/python -m tests.benchmarks $(ARGS)

widget: ## Build widget/dist from its TypeScript sources (needs Node.js)
	cd widget && npm ci --no-audit --no-fund && npm run build

docs: $(INSTALLED) ## Make the pages that come from the code
	@$(BIN)/gateway docs settings > docs/settings.md.new && mv docs/settings.md.new docs/settings.md
	@$(BIN)/gateway docs flow-reference > docs/flow-reference.md.new && mv docs/flow-reference.md.new docs/flow-reference.md

clean: ## Remove the virtual environment and caches; the conversations in .gateway stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './widget/node_modules/*' -prune -exec rm -rf {} +
