# Everything one does with Maguey, on a machine with Python 3.11, make and a C compiler. `make help` lists it.

PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
APPS := maguey owners vip tickets payments

# The virtual environment is complete when this file is there: its name follows what was asked for and where, and it
# is made last, so an install that was interrupted does not count.
INSTALLED := .venv/.installed-$(shell (pwd; cat requirements-dev.txt) | cksum | cut -d ' ' -f 1)

# Enough for the settings to load as they do in production; none of it opens anything.
PRODUCTION := MAGUEY_ENV=production DATABASE_ROLE=web SITE_URL=https://tickets.example \
	SECRET_KEY=only-for-the-check-of-settings-0123456789-abcdefghijklmnopqrstuvwxyz \
	DATABASE_URL=postgres://maguey_web:x@db.example/maguey REDIS_URL=redis://redis.example/0 \
	STRIPE_SECRET_KEY=sk_live_check STRIPE_PUBLISHABLE_KEY=pk_live_check STRIPE_WEBHOOK_SECRET=whsec_check \
	EMAIL_URL=smtp://mail.example:25

# A file's tests stay together: they share a browser, a club, a night. Files go in the order of their names: by their
# number of tests, the longest, which is one test, would begin when all the others end.
ON_BOTH_CORES = --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Every branch of the money code is walked by its own tests.
MONEY_COVERED = $(BIN)/coverage report --fail-under=100

# Run a command that uses PostgreSQL and Redis, stop them if nobody else does, and answer as the command did.
with_services = status=0; $(1) || status=$$?; $(BIN)/python -m maguey.embedded stop --unused >/dev/null; exit $$status

.PHONY: help run test check fix messages bench prove load lock clean
.DEFAULT_GOAL := help
.NOTPARALLEL:

help:  ## List what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(INSTALLED)  ## Run everything here; RESET=1 deletes the demo's data first
	@$(BIN)/python -m maguey.supervisor $(if $(filter-out 0 no,$(RESET)),--reset)

test: $(INSTALLED)  ## Run the tests; ARGS="-k refund" goes to pytest
	@$(call with_services,$(BIN)/python -m pytest --cov --cov-report= -m "not prove and not live" \
		--ignore=tests/benchmarks $(or $(ARGS),$(ON_BOTH_CORES)))
	@$(if $(ARGS),,$(MONEY_COVERED))

check: $(INSTALLED)  ## Prove style, types, imports, migrations and production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(APPS)
	$(BIN)/lint-imports
	@$(BIN)/python -m maguey.embedded start >/dev/null
	@echo "makemigrations --check"
	@$(call with_services,DATABASE_ROLE=migrate $(BIN)/python manage.py makemigrations --check --dry-run)
	$(PRODUCTION) $(BIN)/python -W error manage.py check --deploy --fail-level WARNING

fix: $(INSTALLED)  ## Format the code and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(INSTALLED)  ## Find what is said to guests, and compile its translations
	@$(BIN)/python manage.py messages

bench: $(INSTALLED)  ## Measure how fast it is
	@$(call with_services,$(BIN)/python -m pytest tests/benchmarks $(ARGS))

prove: $(INSTALLED)  ## Run the long forms of the proofs
	@$(call with_services,$(BIN)/python -m pytest -m prove $(or $(ARGS),--numprocesses 2 --dist worksteal))

load: $(INSTALLED)  ## Send a busy night to a running `make run`, or to HOST=...; ARGS go to locust
	$(BIN)/locust -f tests/load/locustfile.py --headless --users 50 --spawn-rate 10 --run-time 60s \
		--only-summary --html .maguey/load.html --host $(or $(HOST),http://127.0.0.1:8000) $(ARGS)

lock: $(INSTALLED)  ## Pin the dependencies anew; UPGRADE=1 takes newer versions
	$(call compile,requirements.txt,)
	$(call compile,requirements-dev.txt,--extra dev --constraint requirements.txt)

# Extras stay on the pins: pip, asked for `coverage[toml]` by another package, would else take the newest and miss its hash.
compile = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras \
	--quiet $(if $(UPGRADE),--upgrade) $(2) pyproject.toml --output-file $(1)

clean:  ## Remove all that was made here but the demo's data
	@if [ -e .maguey ] && [ -x $(BIN)/python ]; then $(BIN)/python -m maguey.embedded stop >/dev/null || true; fi
	rm -rf .venv staticfiles .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): | requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "Maguey needs Python 3.11 or newer, and none was found; name it: make PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Maguey needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; exit 1; }
	@echo "Making .venv; this happens when requirements-dev.txt changes."
	@$(PYTHON) -m venv --clear .venv
	@if command -v uv >/dev/null 2>&1 && uv pip install --quiet --python $(BIN)/python --require-hashes -r $|; then :; \
		else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $|; fi
	@touch $@
