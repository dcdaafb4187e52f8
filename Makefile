# make demo   a message for each outcome, on a real RabbitMQ and a small Intercom that misbehaves
# make test   every check and every test
# Both set up all that they need: see CONTRIBUTING.md.

BIN := .venv/bin
BENCH_BIN := .venv-bench/bin
TEST_PROCESSES ?= 5
SOAK_SEEDS ?= 50000
BENCH_ROUNDS ?= 5
BENCH_CHOICE := $(if $(ONLY),--only $(ONLY)) $(if $(CONTENDERS),--contenders $(CONTENDERS))
BENCH_FOLDER := $(if $(ONLY)$(CONTENDERS),build,docs)
BENCH_RESULTS := $(BENCH_FOLDER)/benchmarks/results.json
FUZZ_SECONDS ?= 60
PRODUCERS := $(patsubst %,build/examples/%/missing,producer_go producer_node)
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
    --custom-compile-command 'make lock'

# Some machines forbid it. The tests start a few hundred processes, each of which would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test tests check workflows unit format examples docs site site-look soak drill fuzz bench bench-quick dist lock clean

demo: .venv/complete
	@$(BIN)/python -m testbed.rabbitmq $(BIN)/python -u -m demo

# The tests wait more than they compute, so the checks run beside them.
test:
	@$(MAKE) --no-print-directory --jobs=2 check tests site

tests: .venv/complete $(PRODUCERS)
	@$(BIN)/coverage erase
	$(BIN)/python -m testbed.rabbitmq $(BIN)/coverage run -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include 'intercom_sink/domain/*' --fail-under 100
	$(BIN)/coverage report --omit 'intercom_sink/domain/*' --fail-under 95

check: .venv/complete
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/basedpyright --warnings
	$(BIN)/zizmor --offline --quiet .

# GitHub's workflows by actionlint, without the tools that some machines have and others lack. It must be built first,
# which takes longer than a check may.
workflows: .venv/complete .venv/bin/actionlint
	$(BIN)/actionlint -shellcheck= -pyflakes=

unit: .venv/complete
	$(BIN)/pytest tests/unit

format: .venv/complete
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

examples: .venv/complete $(PRODUCERS)
	$(BIN)/python -m testbed.rabbitmq $(BIN)/pytest tests/examples

# The pages and pictures that are made from code.
docs: .venv/complete
	$(BIN)/python docs/events_page.py > docs/reference/events.md
	$(BIN)/python docs/metrics_page.py > docs/reference/metrics.md
	$(BIN)/python docs/settings_page.py > docs/reference/settings.md
	$(BIN)/python docs/cli_page.py > docs/reference/cli.md
	$(BIN)/python docs/wire_format > docs/wire-format.json
	$(BIN)/python docs/diagrams/message_flow.py > docs/diagrams/message_flow.svg
	$(BIN)/python docs/diagrams/delivery_states.py > docs/diagrams/delivery_states.svg
	$(BIN)/python docs/diagrams/rate_window_timeline.py > docs/diagrams/rate_window_timeline.svg

# The documentation site, in build/site: without network, and without a warning.
site: .venv/complete
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --fresh-env --builder html docs build/site
	$(BIN)/python docs/check_site.py build/site

# Each page of it in Chromium, on a desktop and on a phone, in light and in dark; 3 minutes.
# SITE_PICTURES=FOLDER keeps the pictures.
site-look: site
	$(BIN)/pytest -v tests/site

# What takes longer than a check may; each ends by itself.
soak: .venv/complete
	$(BIN)/python -m tests.simulation 0 $(SOAK_SEEDS)
	$(BIN)/python -m testbed.rabbitmq $(BIN)/pytest tests/soak

# What goes wrong at night, and whether metrics, health, alerts and log lines say so; 3 minutes.
drill: .venv/complete
	$(BIN)/pytest -v tests/drill

fuzz: .venv/complete
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/fuzz.txt
	$(BIN)/python -m tests.fuzz $(FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz.responses $(FUZZ_SECONDS)

# The sink against a bare HTTP client and its peers; an hour. Writes docs/benchmarks.md. With ONLY or CONTENDERS, a part
# of it, written to build/: make bench ONLY='speed/0ms/64 tls' CONTENDERS='sink aio-pika' BENCH_ROUNDS=3
# `.venv-bench/bin/python -m benchmarks list` prints the names.
bench: .venv-bench/complete
	$(BENCH_BIN)/python -m benchmarks measure $(BENCH_RESULTS) --rounds $(BENCH_ROUNDS) $(BENCH_CHOICE)
	$(BENCH_BIN)/python -m benchmarks render $(BENCH_RESULTS) $(BENCH_FOLDER)

# The same in 6 minutes: one round, fewer and shorter runs, written to build/.
bench-quick: .venv-bench/complete
	$(BENCH_BIN)/python -m benchmarks measure build/benchmarks/results.json --quick $(BENCH_CHOICE)
	$(BENCH_BIN)/python -m benchmarks render build/benchmarks/results.json build

# The source distribution and the wheel, as a release publishes them; two builds give the same bytes.
dist: .venv/complete
	rm -rf dist build/lib
	$(BIN)/python tools/build_dist.py dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

lock: .venv/complete
	$(COMPILE) --extra metrics --output-file requirements/run.txt setup.cfg
	$(COMPILE) --extra metrics --constraint requirements/run.txt --group dev --output-file requirements/dev.txt setup.cfg
	$(COMPILE) --group uv --output-file requirements/uv.txt
	$(COMPILE) --group sbom --output-file requirements/sbom.txt
	$(COMPILE) --group go --output-file requirements/go.txt
	$(COMPILE) --constraint requirements/run.txt --group fuzz --output-file requirements/fuzz.txt setup.cfg
	$(COMPILE) --extra metrics --constraint requirements/run.txt --group bench --output-file requirements/bench.txt setup.cfg

clean:
	rm -rf .venv .venv-bench .debian .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info build dist

.venv/complete: requirements/dev.txt setup.cfg pyproject.toml tools/make-venv
	@tools/make-venv .venv

build/examples/%/missing: tools/build-producer examples/% examples/%/*
	@tools/build-producer $*

.venv/bin/actionlint: .venv/complete tools/actionlint/go.mod tools/actionlint/go.sum tools/build-actionlint
	@tools/build-actionlint $@

# What is measured has a virtual environment of its own: among it are plugins that would load themselves into pytest.
.venv-bench/complete: requirements/bench.txt setup.cfg pyproject.toml tools/make-venv
	@tools/make-venv .venv-bench requirements/bench.txt
