# Everything runs in a virtual environment of its own, .venv; the only thing needed beforehand is Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Every test process would compile all that it imports once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo quick test converters coverage docs lint format bundle dist clean lint-repository sbom lock
.DELETE_ON_ERROR:

PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d. Say which: make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(PIP) --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PIP) --group test
	touch $@

$(VENV)/installed-lint: $(VENV)/installed-test
	$(PIP) --group lint
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(PIP) --group docs
	touch $@

demo: $(VENV)/installed  ## bill a customer in the sandbox, step by step
	$(BIN)/zoho-invoice-mcp demo

quick: $(VENV)/installed-test  ## the tests that start no process: half a minute
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m "not (processes or browser or replicas or converters or slow)"

test: $(VENV)/installed-test  ## the whole test suite
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile

converters: $(VENV)/installed-test  ## the tools in other clients' libraries, and the examples; needs uv
	$(PIP) --group converters
	$(BIN)/python -m pytest -m converters

coverage: $(VENV)/installed-test  ## the whole test suite with branch coverage; pages in htmlcov/
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --cov --cov-report=term --cov-report=html

docs: $(VENV)/installed-docs  ## the docs as a site, build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lint: $(VENV)/installed-lint lint-repository  ## ruff and pyright, strict, and the repository's own files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

lint-repository: $(VENV)/installed-lint  ## workflows, issue forms, dependabot, compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/zizmor --quiet --offline --config .github/zizmor.yml .github

format: $(VENV)/installed-lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bundle: $(VENV)/installed  ## the Claude Desktop bundle, dist/zoho-invoice-mcp.mcpb
	$(BIN)/python bundle/build.py

dist: bundle  ## that, and the sdist and the wheel for PyPI
	$(PIP) --group dist
	$(BIN)/python -m build --outdir dist

sbom: $(VENV)/installed  ## what a plain installation consists of, dist/sbom.cdx.json (CycloneDX)
	$(PIP) --group dist
	rm -rf dist/plain && $(PYTHON) -m venv dist/plain && dist/plain/bin/python -m pip install --quiet --constraint constraints.txt .
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file dist/sbom.cdx.json dist/plain/bin/python
	rm -rf dist/plain

lock:  ## the versions that are tested, constraints.txt; needs uv
	uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
		--all-extras --group test --group browser --group lint --group dist --group docs pyproject.toml --output-file constraints.txt

clean:
	rm -rf $(VENV) dist demo-output htmlcov .coverage .coverage.*
