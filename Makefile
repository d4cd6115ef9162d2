# Longarm. `make demo` shows it at work, `make test` checks it. Needs only python3 (venv, pip) and make.
PYTHON ?= python3
BIN := .venv/bin
UV ?= uv

.PHONY: help demo run test check bench bench-pages bench-polling train evaluate soak lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

# The lock pins versions and hashes; pip takes the packages from whatever index the machine is set up for.
.venv/.run-stamp: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/.dev-stamp: requirements-dev.lock .venv/.run-stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

demo: .venv/.run-stamp ## a week of news in fast-forward: alerts on the console, the digest at the end
	@$(BIN)/longarm demo

run: .venv/.run-stamp ## the daemon on feeds.toml
	@$(BIN)/longarm run

test: .venv/.dev-stamp check ## the checks and the test suite
	$(BIN)/python -m pytest -n 3 --cov --cov-report= tests
	$(BIN)/python -m coverage report --skip-covered --skip-empty || true
	$(BIN)/python tests/coverage_floors.py

check: .venv/.dev-stamp ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev-stamp ## what things cost, as ratios against a named baseline
	$(BIN)/python -m bench

bench-pages: .venv/.dev-stamp ## how long the review pages take with a million articles (ten minutes)
	$(BIN)/python -m bench.web 1000000

bench-polling: .venv/.dev-stamp ## how soon items are seen at equal requests, on real publication times
	$(BIN)/python -m bench.polling

train: .venv/.run-stamp ## learn the relevance model from classifiers/corpus
	$(BIN)/longarm train

evaluate: .venv/.dev-stamp ## the model card
	$(BIN)/longarm evaluate --card docs/model-card.md

soak: .venv/.dev-stamp ## long runs: every crash point, fuzzing, a month in fast-forward
	$(BIN)/python -m pytest -m soak --timeout 3600 tests

lock: ## pin the newest versions (maintainers; needs uv)
	$(UV) pip compile pyproject.toml requirements-build.in --extra fulltext --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -q --upgrade -o requirements.lock
	$(UV) pip compile pyproject.toml requirements-build.in --extra fulltext --extra dev --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -q --upgrade -c requirements.lock -o requirements-dev.lock

clean: ## remove the virtual environment and caches
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
