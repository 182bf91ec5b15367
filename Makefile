# Countersign. `make` lists the targets; uv comes from PATH, else into var/tools.

SHELL := /bin/sh
.DEFAULT_GOAL := help

UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := var/tools/bin/uv
NEEDS_UV := $(UV)
endif
RUN := $(UV) run --no-sync
# Where this is set every process, of the tests and of the product, compiles all it imports again: 2 to 4 seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test test-postgres check demo chaos bench clean ready

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ready ## start everything on this machine with the demo company; Ctrl-C stops it, the data stays in ./var
	@$(RUN) countersign up --demo

# One worker more than cores here: the tests with real processes mostly wait.
PYTEST := pytest -n 3 --dist worksteal

# What speaks to the database directly: run a second time on PostgreSQL by `make test`.
ON_POSTGRES := tests/adapters/database tests/api
# Everything that stores anything, real processes included.
STORES := tests/adapters tests/api tests/workflows tests/stack/test_survival.py tests/architecture tests/test_cli.py
HAS_POSTGRES := ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null

test: ready ## get the two Temporal servers, then run the fast suite on SQLite, and what stores on PostgreSQL too
	@$(RUN) python -m countersign.adapters.temporal_server
	@$(RUN) python -m countersign.adapters.temporal_server --test-server
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
		echo "No Chromium here: tests in a browser are left out (Debian's package is named chromium)."
	@$(RUN) $(PYTEST)
	@if $(HAS_POSTGRES); then $(RUN) $(PYTEST) --database postgres $(ON_POSTGRES); else \
		echo "No PostgreSQL here: the run on it is left out (Debian's package is named postgresql)."; \
	fi

test-postgres: ready ## everything that stores anything, on PostgreSQL (Debian's package postgresql)
	@$(RUN) python -m countersign.adapters.temporal_server
	@$(RUN) python -m countersign.adapters.temporal_server --test-server
	@$(RUN) $(PYTEST) --database postgres $(STORES)

check: ready ## formatting, lint, types, layers, dependencies
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(RUN) deptry .

demo: ready ## play two leaves and two departures in a minute, told on the screen
	@$(RUN) python -m countersign.play

chaos: ready ## kill real processes and compare all witnesses; SEED=7 SCALE=0.05 SCENARIO="api_kills probes"
	@$(RUN) python -m tests.chaos --scale $(or $(SCALE),1.0) $(if $(SEED),--seed $(SEED)) \
		$(if $(SCENARIO),--scenario $(SCENARIO))

bench: ready ## timings as ratios against bare code in the same run; BENCH="injury"
	@$(RUN) python -m bench $(BENCH)

clean: ## remove what was built or cached here, but no data
	@rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

ready: $(NEEDS_UV)
	@$(UV) sync --locked --quiet

# A system Python may be externally managed, and may lack pip or ensurepip: an environment of our own is not
# touched by the first, and pip can come from the interpreter or from Debian's wheels.
var/tools/bin/uv:
	@mkdir -p var
	@for python in python3.13 python3.12 python3.11 python3 python; do \
		"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || continue; \
		echo "putting uv into var/tools with $$python" >&2; \
		rm -rf var/tools; \
		"$$python" -m venv var/tools >/dev/null 2>&1 && var/tools/bin/pip install --quiet uv && exit 0; \
		rm -rf var/tools; \
		"$$python" -m venv --without-pip var/tools >/dev/null 2>&1 || continue; \
		"$$python" -m pip --python var/tools/bin/python install --quiet uv 2>/dev/null && exit 0; \
		for wheel in /usr/share/python-wheels/pip-*.whl; do \
			[ -e "$$wheel" ] && PYTHONPATH="$$wheel" var/tools/bin/python -m pip install --quiet uv && exit 0; \
		done; \
	done; \
	rm -rf var/tools; \
	echo "No uv here and no way to get it: install Debian's packages python3 (3.11 to 3.13) and python3-venv, or" \
		"pipx and then uv by 'pipx install uv', and run make again." >&2; \
	exit 1
