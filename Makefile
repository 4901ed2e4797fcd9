# What a person types; `make help` lists it. Everything that is installed goes to .venv, nothing elsewhere.

PYTHON ?= python3
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
# Stamps: they are as old as the last installation from the lock file that they depend on.
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The tools load the settings, which refuse unsafe values unless told that this is development.
TOOL := DEBUG=true SECRET_KEY=of-no-worth DATABASE_URL=sqlite://:memory: $(BIN)/
MANAGE := $(TOOL)python manage.py
# More than a small machine has processors: many of the slow tests wait for leases to run out.
# Whoever has done its share takes from another's: a few tests are a hundred times as long as most.
PYTEST := $(BIN)/python -m pytest -n $(or $(TESTERS),4) --dist worksteal

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run demo test test-sqlite test-postgresql services check fmt lint types schema schema-check \
	migrations-check bench lock storm bench-brokers bench-remote clients

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUNTIME) ## start everything on this machine; PORT (8000), HOST (127.0.0.1) and DATA_DIR (./var) say where
	@exec env DEBUG="$${DEBUG:-true}" $(BIN)/python manage.py run --with-parent

demo: $(RUNTIME) ## make two real videos and a refund in a temporary installation, check them, leave them in ./demo
	@exec env DEBUG=true $(BIN)/python manage.py demo --with-parent $${DATABASE:+--database "$$DATABASE"}

test: services test-sqlite test-postgresql ## run the tests on SQLite, and on PostgreSQL when it can be reached

check: $(DEV) ## everything a change must pass: format, lint, types, schema, migrations, tests
	$(TOOL)ruff format --check .
	$(TOOL)ruff check .
	$(TOOL)mypy .
	@$(MAKE) --no-print-directory schema-check migrations-check test

storm: $(DEV) ## kill everything while clients work, and see what is lost: SEED, MINUTES (10), STORM_DATABASE, QUEUE_BROKER
	@exec $(BIN)/python -m tests.faults.storm $${SEED:+--seed "$$SEED"} --minutes "$${MINUTES:-10}" \
		--database "$${STORM_DATABASE:-postgresql}" --broker "$${QUEUE_BROKER:-database}"

bench-brokers: $(DEV) ## measure the places for the queue side by side: WAITING, ROUNDS (docs: bench/brokers.py)
	@exec $(BIN)/python -m bench.brokers

bench-remote: $(DEV) ## measure a thousand remote jobs in flight on one worker process: JOBS, TAKES, POLL
	@$(TOOL)python -m bench.remote

fmt: $(DEV) ## format the code and mend what can be mended
	$(TOOL)ruff format .
	$(TOOL)ruff check --fix .

lint: $(DEV) ## look for mistakes
	$(TOOL)ruff check .

types: $(DEV) ## check the types
	$(TOOL)mypy .

schema: $(DEV) ## write the OpenAPI schema to docs/openapi.yaml
	$(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

clients: $(DEV) ## make what the clients take from docs/openapi.yaml, and the sync Python client from the async one
	cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund && npm run types
	$(BIN)/python clients/python/make_sync.py

bench: $(RUNTIME) ## measure against the least that could do the same; SIZES=1000,100000,1000000 for more; bench.json
	@exec $(BIN)/python -m bench

lock: $(MADE) ## renew requirements.txt, requirements-dev.txt and requirements-diffusers.txt from their .in files
	@$(BIN)/python -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
	@for name in requirements requirements-dev requirements-diffusers; do \
		$(VENV)/lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
			--no-header --no-emit-index-url $$name.in --output-file $$name.txt || exit 1; \
	done

schema-check: $(DEV)
	$(MANAGE) spectacular --validate --fail-on-warn > /dev/null

migrations-check: $(DEV)
	$(MANAGE) makemigrations --check --dry-run

services: $(DEV)
	@$(BIN)/python -m tests.services

test-sqlite: $(DEV)
	env -u DATABASE_URL $(PYTEST)

test-postgresql: $(DEV)
	@url=$$($(BIN)/python -m tests.services postgresql) || { [ -z "$$CI" ]; exit; }; \
	echo "DATABASE_URL=$$url $(PYTEST)"; \
	DATABASE_URL=$$url exec $(PYTEST)

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed. Name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "$(PYTHON) lacks its venv module. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || { \
		echo "Making $(VENV) ..."; $(PYTHON) -m venv --clear $(VENV); }
	@touch $@

$(RUNTIME): requirements.txt $(MADE)
	@echo "Installing requirements.txt into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@echo "Installing requirements-dev.txt into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
