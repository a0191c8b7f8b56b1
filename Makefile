# `make run` starts the product, `make test` tests it; each needs only Python 3.11 or newer and this folder.
.DEFAULT_GOAL := help
SHELL := /bin/sh
python := .venv/bin/python
packages := releasetrain trains governance planning problems reviews metrics
# One process more than processors, for journeys wait; `make test jobs=0` runs all in one, `make test only=tests/trains` a part.
jobs ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
only ?=

.PHONY: help run test hosts scorecard chromium lint types bench docs lock install clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-16s %s\n", $$1, $$2 }'

run: ## start everything on this machine; PORT=8001 for another port
	@requirements/install.sh run
	@exec $(python) manage.py up

test: install chromium ## run the tests on real servers; jobs=… only=…
	@$(python) -m pytest --numprocesses $(jobs) --dist worksteal $(only)

hosts: install ## kill any host under load (as root); arguments="--from <release>" upgrades under load too
	@$(python) -m tests.hosts $(arguments)

scorecard: install chromium ## run the security scorecard; arguments="--from <release> --seconds 600"
	@$(python) -m tests.scorecard $(arguments)

install: ## install what running and developing need into .venv
	@requirements/install.sh dev

chromium:
	@if [ ! -x /usr/bin/chromium ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Chromium for the browser journeys …"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends chromium >/dev/null \
				|| echo "Chromium could not be installed: the browser journeys (tests marked 'journey') are skipped."; \
		else \
			echo "No Chromium at /usr/bin/chromium: the browser journeys (tests marked 'journey') are skipped."; \
			echo "To run them: sudo apt-get install chromium"; \
		fi; \
	fi

lint: install ## check style, floors and security
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/bandit --quiet --recursive --configfile pyproject.toml $(packages)

types: install ## check types
	@.venv/bin/mypy $(packages)

bench: install ## measure; see bench/
	@$(python) -m bench

docs: install ## write the generated reference into docs/
	@SECRET_KEY=for-this-command-only $(python) manage.py write_schema

lock: ## resolve requirements/*.in anew; arguments="--upgrade" takes newer versions
	@requirements/install.sh dev
	@requirements/lock.sh $(arguments)

clean: ## remove everything that was installed or made here, the embedded database included
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
