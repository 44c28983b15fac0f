# Everything runs in a virtual environment of its own, .venv; the only thing needed beforehand is Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo quick test coverage docs lint format bundle dist clean
.DELETE_ON_ERROR:

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d. Say which: make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group test
	touch $@

$(VENV)/installed-lint: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --group lint
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

demo: $(VENV)/installed  ## bill a customer on the embedded Zoho, step by step
	$(BIN)/zoho-invoice-mcp demo

quick: $(VENV)/installed-test  ## the tests that start no process: half a minute
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m "not (processes or browser or replicas or converters or slow)"

test: $(VENV)/installed-test  ## the whole test suite
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

coverage: $(VENV)/installed-test  ## the whole test suite with branch coverage; pages in htmlcov/
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --cov --cov-report=term --cov-report=html

docs: $(VENV)/installed-docs  ## the docs as a site, build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lint: $(VENV)/installed-lint  ## ruff and pyright, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/installed-lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bundle: $(VENV)/installed  ## the Claude Desktop bundle, dist/zoho-invoice-mcp.mcpb
	$(BIN)/python bundle/build.py

dist: bundle  ## that, and the sdist and the wheel for PyPI
	$(BIN)/python -m pip install --quiet --group dist
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) dist demo-output htmlcov .coverage .coverage.*
