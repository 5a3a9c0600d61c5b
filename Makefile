# Everything a fresh machine with Python 3.11+ needs is set up by these targets.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

# Most tests wait for servers and for kills: more of them at once than there are cores
WORKERS ?= 4

.PHONY: demo test test-long check docs reference follow chaos bench freeze screenshots clean

demo: $(READY)  ## a sandbox store, a sandbox ERP and Crossdock, with faults on
	$(VENV)/bin/crossdock demo $(ARGS)

test: $(READY)  ## the whole suite
	$(VENV)/bin/python -m pytest --numprocesses $(WORKERS) --dist loadgroup $(ARGS)

test-long: $(READY)  ## with the long runs
	CROSSDOCK_LONG=1 $(VENV)/bin/python -m pytest $(ARGS)

check: $(READY)  ## lint, types, import contracts; what we depend on: licences (build/sbom.json), known vulnerabilities
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m checks.bill
	$(VENV)/bin/python -m checks.advisories
	$(MAKE) docs

docs: $(READY)  ## the site of the documents, into build/site; a warning fails it
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

reference: $(READY)  ## pages and diagrams that are written from the code
	$(VENV)/bin/python -m tools.reference

follow: $(READY)  ## every page followed word by word on a clean machine; ARGS=docs/tutorial.md for one
	$(VENV)/bin/python -m tools.follow $(ARGS)

chaos: $(READY)  ## a storm: ORDERS=2000 SEED=1 STORAGE=sqlite|postgres, or FLOW=inventory PUSHES=150, or FLOW=reconcile ROUNDS=20, or ERP=sap_s4
ifdef ERP
	$(VENV)/bin/python -m tests.chaos.erps --erp $(ERP) --orders $(or $(ORDERS),200) --seed $(or $(SEED),1) $(ARGS)
else ifeq ($(FLOW),inventory)
	$(VENV)/bin/python -m tests.chaos.levels --pushes $(or $(PUSHES),150) --seed $(or $(SEED),1) --storage $(or $(STORAGE),sqlite) $(ARGS)
else ifeq ($(FLOW),reconcile)
	$(VENV)/bin/python -m tests.chaos.reconciling --rounds $(or $(ROUNDS),20) --seed $(or $(SEED),1) --storage $(or $(STORAGE),sqlite) $(ARGS)
else
	$(VENV)/bin/python -m tests.chaos.storm --orders $(or $(ORDERS),2000) --seed $(or $(SEED),1) --storage $(or $(STORAGE),sqlite) $(ARGS)
endif

bench: $(READY)  ## figures of this machine
	$(VENV)/bin/python -m benchmarks.bench $(ARGS)

freeze: $(READY)  ## a version is released: what is published now is what later ones must keep
	$(VENV)/bin/python -m crossdock.api.freeze $(ARGS)

screenshots: $(READY)  ## pictures of the console for the docs; needs Chromium
	CROSSDOCK_SCREENSHOTS=docs/images CROSSDOCK_REQUIRE_SERVICES=1 $(VENV)/bin/python -m pytest tests/console/test_looks.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Crossdock needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
