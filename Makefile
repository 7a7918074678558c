# `make` alone lists what there is. The same by hand: docs/without-make.md
.DEFAULT_GOAL := help
.SILENT:
MAKEFLAGS += --no-print-directory
# `flask` would read .env before any of our code, and fail in its own words.
export FLASK_SKIP_DOTENV := 1

python := .venv/bin/python
quick := not servers and not chaos and not postgresql and not beta

## Use it
.PHONY: run db
run:  # start the sandbox and the site; Ctrl-C stops both
	bin/setup && exec $(python) bin/dev
db:  # bring the database up to date
	bin/setup && $(python) -m flask --app wsgi db upgrade

## Change it
.PHONY: test fix sure
test: tools  # run the tests that a change needs, two minutes
	$(python) -m pytest -n auto -m "$(quick)"
fix: tools  # format, and mend what can be mended
	$(python) -m ruff check --fix-only --quiet .
	$(python) -m ruff format .
sure: format lint types everything coverage audit  # everything that must hold before a change goes in
sure: audit_options := --if-reachable

## One at a time
.PHONY: format lint types everything coverage audit chaos mutants bench lock sbom
format: tools  # is everything formatted?
	$(python) -m ruff format --check .
lint: tools  # does anything look wrong?
	$(python) -m ruff check .
types: tools  # do the types agree?
	$(python) -m mypy
everything: tools  # `make test`, then both stores, the beta, servers and browsers, and another name for the site
	$(python) -m pytest -n auto --cov -m "not servers and not chaos"
	$(python) -m pytest -n auto --dist loadfile --cov --cov-append -m servers
	APP_NAME="Nest & Sons" $(python) -m pytest -n auto -m core
coverage: everything  # did the tests reach every branch of sign-in, storage and Twitter?
	$(python) -m coverage report --include="app/auth/*,app/accounts/*,app/twitter/*" --fail-under=100
audit:  # does a locked package have a known vulnerability? Offline it fails; in `make sure` it only says so
	bin/audit $(audit_options)
chaos: tools  # kill, lock and delay things for an hour: who loses their sign-in?
	CHAOS_ROUNDS=$${CHAOS_ROUNDS:-200} $(python) -m pytest -m chaos tests/chaos
mutants: tools  # break the code on purpose, line by line: does the test that should notice notice?
	$(python) -m tests.mutants --write
bench: tools  # measure for five minutes what a sign-in costs, and rewrite docs/performance.md
	$(python) -m benchmarks
lock:  # choose the newest packages again and write all requirements files
	bin/lock
sbom: tools  # write sbom.json: every package of the site, with its hashes
	$(python) bin/sbom

.PHONY: help tools
tools:
	bin/setup --dev
help:
	awk 'BEGIN { FS = ":.*  # " } \
		/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z]+:.*  # / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
