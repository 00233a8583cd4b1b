# `make run` and `make test` are all one needs; `make help` lists the rest.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv/bin
RUN_STAMP := .venv/installed-run
DEV_STAMP := .venv/installed-dev
TOOLS_STAMP := .venv-tools/installed
IMAGE ?= localhost/evento
export PYTHON

.PHONY: help run test check lint screenshots openapi settings proof proof-oversell proof-notices proof-api proof-nginx proof-lighthouse proof-mutants proof-short proof-caddy image proof-image proof-readme validate-deploy bench bench-serving bench-streams clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## Start Evento with demo data: PORT=8000, DATABASE_URL= are honoured; Ctrl-C ends it
	@$(VENV)/python deploy/embedded.py

test: $(DEV_STAMP) ## All tests on SQLite, and on PostgreSQL when one answers, with branch coverage
	@$(VENV)/python -m tests.run_all $(ARGS)

check: lint test ## Everything: lint and test

lint: $(DEV_STAMP) ## Lint, format, types, security, templates, migrations, deployment settings
	@bin/lint

image: ## Build the image: IMAGE=localhost/evento, BASE= another Debian; needs docker, podman or buildah
	@bin/build-image $(IMAGE) $(BASE)

proof-image: $(DEV_STAMP) $(TOOLS_STAMP) ## The image on a Debian of its own, and a whole site from it; needs root, buildah, debootstrap
	@buildah inspect localhost/evento-base >/dev/null 2>&1 || bin/base-image localhost/evento-base
	@bin/build-image localhost/evento localhost/evento-base
	@EVENTO_IMAGE=localhost/evento $(VENV)/python -m pytest -q -p no:randomly tests/deploy/proof_image.py

proof-readme: $(DEV_STAMP) ## The README's commands for a real site, word by word, from an empty PostgreSQL; needs nginx, openssl
	@$(VENV)/python -m pytest -q -p no:randomly tests/deploy/proof_readme.py

validate-deploy: $(DEV_STAMP) $(TOOLS_STAMP) ## The files in deploy/ by their own tools; needs npm, cloud-init, systemd-analyze, kubectl, terraform
	@bin/validate-deploy

screenshots: $(DEV_STAMP) ## Every page at 360 and 1280 px, light and dark, into docs/screenshots/
	@$(VENV)/python -m tests.browser.screenshots

openapi: $(DEV_STAMP) ## The API's description into docs/openapi.json, which a test compares
	@$(VENV)/python manage.py export_openapi_schema --api evento.api.api --indent 2 --ensure-ascii --output docs/openapi.json

settings: $(RUN_STAMP) ## .env.example and the table of settings in docs/operations.md, which a test compares
	@$(VENV)/python -m evento.settings_docs

proof: $(DEV_STAMP) ## Twin worlds, 10,000 steps against a model, races, kills and other faults, rushes, in full on both databases; into docs/proof.md
	@rm -rf test-results/proof
	@EVENTO_FULL=1 $(VENV)/python -m tests.run_all --no-cov tests/proof tests/tickets/test_oversell.py tests/tickets/test_races.py tests/browser/test_axe.py tests/browser/test_keyboard.py
	@$(VENV)/python -m tests.proof.report

proof-oversell: $(DEV_STAMP) ## 400 people rush for 50 places, in full, on both databases
	@EVENTO_FULL=1 $(VENV)/python -m tests.run_all --no-cov tests/tickets/test_oversell.py

proof-notices: $(DEV_STAMP) ## 20,000 holders told of a cancelled event, the worker killed half-way
	@EVENTO_FULL=1 $(VENV)/python -m tests.run_all --no-cov tests/notifications

proof-api: $(DEV_STAMP) ## Every operation of the API asked at length, as each kind of person, on both databases
	@EVENTO_FULL=1 $(VENV)/python -m tests.run_all --no-cov tests/api/test_contract.py

proof-nginx: $(DEV_STAMP) ## deploy/nginx.conf in front of the server, with TLS; needs nginx, openssl, curl
	@$(VENV)/python -m tests.run_all --no-cov -n 0 tests/deploy/proof_proxies.py -k nginx

proof-short: $(DEV_STAMP) ## What CI runs of the proofs: proof-nginx on PostgreSQL only
	@$(VENV)/python -m tests.run_all --no-cov --on=PostgreSQL -n 2 --dist load tests/deploy/proof_proxies.py -k nginx

proof-lighthouse: $(DEV_STAMP) $(TOOLS_STAMP) ## Lighthouse on the main pages as a phone sees them; needs npm and the machine to itself
	@$(VENV)/python -m tests.proof.lighthouse
	@$(VENV)/python -m tests.proof.report

proof-mutants: $(DEV_STAMP) $(TOOLS_STAMP) ## Availability, booking and permissions broken in every small way: do tests notice?
	@$(VENV)/python -m tests.proof.mutants $(ARGS)
	@$(VENV)/python -m tests.proof.report

proof-caddy: $(DEV_STAMP) $(TOOLS_STAMP) ## deploy/Caddyfile in front of the server, with TLS; needs curl and npm
	@$(VENV)/python -m tests.run_all --no-cov -n 0 tests/deploy/proof_proxies.py -k caddy

bench: $(DEV_STAMP) ## Booking (on SQLite too), reading, signing in, telling, growth to 5 million tickets, plans, footprint; needs PostgreSQL, pgbench, 8 GB of disk
	@$(VENV)/python -m benchmarks $(ARGS)

bench-serving: $(DEV_STAMP) ## Bookings a second under each way of serving; needs PostgreSQL, and gunicorn and granian in .venv
	@$(VENV)/python -m benchmarks.serving $(ARGS)

bench-streams: $(DEV_STAMP) ## What open pages cost: 5,000 streams, bookings beside them, delay, restart; needs PostgreSQL
	@$(VENV)/python -m benchmarks.streams $(ARGS)

clean: ## Remove what tests and checks leave behind; never .venv or var
	@rm -rf htmlcov coverage.xml .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache test-results
	@find . -name __pycache__ -not -path './.venv*/*' -prune -exec rm -rf {} +

$(RUN_STAMP): requirements.txt requirements-run.txt
	@bin/venv requirements.txt $@

$(DEV_STAMP): requirements-dev.txt requirements.txt requirements-run.txt
	@bin/venv requirements-dev.txt $@
	@touch $(RUN_STAMP)

$(TOOLS_STAMP): bin/tools requirements-tools.txt requirements-tools-npm.txt
	@bin/tools $@
