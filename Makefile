# make demo   the sink at work: RabbitMQ, a small Intercom that misbehaves, a message for each outcome
# make test   every check and every test
# Both set up all that they need: see "Development" in README.md.

BIN := .venv/bin
TEST_PROCESSES ?= 4

.PHONY: demo test format check unit integration coverage lock clean

demo: .venv/complete
	@$(BIN)/python -m testbed.rabbitmq $(BIN)/python -u -m demo

test: check
	@$(BIN)/coverage erase
	$(BIN)/python -m testbed.rabbitmq $(BIN)/coverage run -m pytest --numprocesses $(TEST_PROCESSES)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include 'intercom_sink/domain/*' --fail-under 100
	$(BIN)/coverage report --omit 'intercom_sink/domain/*' --fail-under 95

check: .venv/complete
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

unit: .venv/complete
	$(BIN)/pytest tests/unit

format: .venv/complete
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/complete
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command 'make lock' --output-file requirements/run.txt setup.cfg
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command 'make lock' --constraint requirements/run.txt --extra dev \
	    --output-file requirements/dev.txt setup.cfg

clean:
	rm -rf .venv .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info build dist

.venv/complete: requirements/dev.txt setup.cfg pyproject.toml tools/make-venv
	@tools/make-venv .venv
