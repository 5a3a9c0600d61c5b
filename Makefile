# Everything a fresh machine with Python 3.11+ needs is set up by these targets.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

# Most tests wait for servers and for kills: more of them at once than there are cores
WORKERS ?= 4

.PHONY: demo test test-long check chaos bench clean

demo: $(READY)  ## a sandbox store, a sandbox ERP and Crossdock, with faults on
	$(VENV)/bin/crossdock demo $(ARGS)

test: $(READY)  ## the whole suite
	$(VENV)/bin/python -m pytest --numprocesses $(WORKERS) --dist loadgroup $(ARGS)

test-long: $(READY)  ## with the long runs
	CROSSDOCK_LONG=1 $(VENV)/bin/python -m pytest $(ARGS)

check: $(READY)  ## lint, types, import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

chaos: $(READY)  ## a storm: ORDERS=2000 SEED=1 STORAGE=sqlite|postgres, or FLOW=inventory PUSHES=150
ifeq ($(FLOW),inventory)
	$(VENV)/bin/python -m tests.chaos.levels --pushes $(or $(PUSHES),150) --seed $(or $(SEED),1) --storage $(or $(STORAGE),sqlite) $(ARGS)
else
	$(VENV)/bin/python -m tests.chaos.storm --orders $(or $(ORDERS),2000) --seed $(or $(SEED),1) --storage $(or $(STORAGE),sqlite) $(ARGS)
endif

bench: $(READY)  ## figures of this machine
	$(VENV)/bin/python -m benchmarks.bench $(ARGS)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Crossdock needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
