# One line a recipe for whoever works with this checkout: `make demo` to see it, `make test` to trust it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOLDERS := $(shell find tracer integrations viewer -type d -not -name __pycache__)
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=strict

# Two processes share the tests, a file at a time, in their order: those with a browser have to come last, for
# Playwright keeps an event loop in the thread that started it, and no other can run there then.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
# Where it is set, each of the many programs that the tests run would compile anew all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all test-floors test-newest test-frameworks lint types audit fuzz bench coverage docs browser clean help

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/installed-all  ## record the demo and open the viewer
	$(BIN)/tracer demo
	$(BIN)/tracer view

test: $(VENV)/installed-dev browser lint types  ## check and test everything that CI does
	$(PYTEST) -m "not slow"

test-all: $(VENV)/installed-dev browser  ## also what takes longer than one likes to wait
	$(BIN)/pytest

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	cd $(VENV) && bin/mypy --config-file ../pyproject.toml  # from the root it would see the folders unmapped

# Both ends of what is supported, each in an environment of its own, and no editable install: what is tested is what a
# user installs. Of OpenAI, LangChain and LangGraph all tests run, those of the matrices that take a minute too.
SDK_TESTS := tests/openai tests/langchain
SDK_TESTS_NEED := langchain langchain-openai langgraph 'openai[realtime,aiohttp]' brotli h2 httpx zstandard \
  gevent hypothesis numpy pytest pytest-asyncio trio
FLOOR_TESTS := absorb attachments capture content decorators enrich file_modes filters journal otel properties purge \
  purge_disturbed redaction retention store_kept store_reading store_traces tree
FLOOR_TESTS := $(FLOOR_TESTS:%=tests/test_%.py)
test-floors:  ## record, absorb and read with the oldest versions that pyproject.toml allows
	test -d $(VENV)-floors || $(PYTHON) -m venv $(VENV)-floors
	rm -rf build/lib
	$(VENV)-floors/bin/pip install --quiet --disable-pip-version-check -c tests/floors.txt '.[openai,langchain]' \
	  $(SDK_TESTS_NEED) pandas polars pyarrow
	$(VENV)-floors/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	$(VENV)-floors/bin/pytest -m "not slow" $(FLOOR_TESTS)
	$(VENV)-floors/bin/pytest -p no:coverage_page $(SDK_TESTS)  # the page tells of the newest

FRAMEWORKS := $(basename $(notdir $(wildcard tests/frameworks/*.txt)))
test-frameworks:  ## call models through other frameworks, and beside other instrumentors, each in its own environment; PAGE=--coverage-page tells docs/coverage.md
	rm -rf build/lib
	for name in $(FRAMEWORKS); do \
	  env=$(VENV)-frameworks/$$name; test -d $$env || $(PYTHON) -m venv $$env; \
	  $$env/bin/pip install --quiet --disable-pip-version-check -r tests/frameworks/$$name.txt . pytest pytest-asyncio && \
	  $$env/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps . && \
	  $$env/bin/pytest -q -W ignore $(PAGE) tests/frameworks/$$(echo $$name | sed 's/-.*//').py || exit 1; \
	done

test-newest:  ## record with the newest versions of OpenAI's SDK, LangChain and LangGraph, whatever is installed here
	test -d $(VENV)-newest || $(PYTHON) -m venv $(VENV)-newest
	rm -rf build/lib
	$(VENV)-newest/bin/pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager \
	  '.[openai,langchain]' $(SDK_TESTS_NEED)
	$(VENV)-newest/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	$(VENV)-newest/bin/pytest $(SDK_TESTS)

audit: $(VENV)/installed-dev  ## ask PyPI which of the installed packages have known vulnerabilities; needs the network
	$(PIP_INSTALL) pip-audit
	$(BIN)/pip-audit --skip-editable

fuzz: $(VENV)/installed-dev  ## look for inputs that break what has to hold for any input: a minute for each property
	$(PIP_INSTALL) atheris
	$(BIN)/python tests/fuzz.py

BENCHES := recording streaming redaction starting absorbing size questions commands viewer
bench: $(VENV)/installed-dev  ## measure against the limits and the peers, and write docs/performance.md
	@for name in $(BENCHES); do echo "$$(date +%T) bench/$$name.py"; $(BIN)/python bench/$$name.py || exit 1; done
	$(BIN)/python bench/page.py

coverage: $(VENV)/installed-dev  ## write docs/coverage.md: which surfaces of which library the tests saw, in which ways
	$(BIN)/pytest -q --coverage-page $(shell grep -rl --include='test_*.py' '"covers"' tests) tests/context

docs: $(VENV)/installed-dev  ## write the pages that are made from the code
	$(BIN)/python docs/generate.py

# An editable install of the strict kind holds links to the files that there were, so a new one is a reason to install.
$(VENV)/installed-all: pyproject.toml $(FOLDERS) | $(VENV)
	$(PIP_INSTALL) -e '.[all]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(FOLDERS) | $(VENV)
	$(PIP_INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/installed-all

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "llm-tracer needs Python 3.10 or newer; name one: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
browser:
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "installing Chromium for the tests of the viewer"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else \
	  echo "The tests of the viewer need Chromium: sudo apt-get install chromium (or brew install --cask chromium)."; \
	  [ -z "$$CI" ]; \
	fi

clean:  ## remove what make made
	rm -rf $(VENV) $(VENV)-floors $(VENV)-newest $(VENV)-frameworks build dist *.egg-info .fuzz .mypy_cache .ruff_cache .pytest_cache
