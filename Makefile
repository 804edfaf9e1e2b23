# Needs GNU make and Python 3.11 or newer; everything else goes into .venv/ and var/.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
MISSING = Python 3.11 or newer was not found: install it, or name it with 'make run PYTHON=/path/of/python3.11'.

.PHONY: help run demo-passwords test check bench fuzz messages shell clean installed python
.DEFAULT_GOAL := help

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-16s%s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: python ## the demonstration on http://127.0.0.1:8000 (PORT=, SANDBOX_PORT=)
	@$(PYTHON) tools/run.py

demo-passwords: python ## new passwords for the people of the demonstration
	@$(PYTHON) tools/run.py passwords

test: installed ## all tests, on SQLite, PostgreSQL and in a browser (ARGS= for pytest)
	@.venv/bin/python -m tools.test

check: installed ## linter, types, layers, templates, migrations, settings, translations
	@.venv/bin/python -m tools.check

bench: installed ## measure against the goals, into var/bench.json (ARGS= names)
	@.venv/bin/python -m tools.bench $(ARGS)

fuzz: installed ## 50,000 generated requests, 100,000 vendor answers (ARGS="--minutes 10")
	@.venv/bin/python -m tools.fuzz $(ARGS)

messages: installed ## bring the translation catalogues up to date
	@.venv/bin/python -m tools.translations update
	@.venv/bin/python -m tools.translations compile
	@.venv/bin/python -m tools.translations check

shell: ## a Python shell with the models
	@test -f .env -a -x .venv/bin/python || { echo "There is no installation here yet: start it with 'make run'." >&2; exit 1; }
	@.venv/bin/python manage.py shell

clean: ## remove what can be made again; database, keys and .env stay
	@test ! -x .venv/bin/python || .venv/bin/python -m tools.bench --forget
	@rm -rf .venv var/static var/static.sha256 var/log var/bench var/bench.json var/test.*sqlite3* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Kept: .env with its keys, and the data in var/."

installed: python
	@$(PYTHON) -m tools.environment requirements-dev.txt

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(MISSING)" >&2; exit 1; }
