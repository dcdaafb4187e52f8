"""The compose file fits the Compose Specification, and its parts fit each other."""

import json
from pathlib import Path

import jsonschema

from intercom_sink.entrypoints.settings import Settings
from tests.support.documents import ROOT
from tests.support.yaml_files import load

FILE = ROOT / "deploy/compose/docker-compose.yml"
COMPOSE = load(FILE)
SERVICES = COMPOSE["services"]
SCHEMA = json.loads((Path(__file__).parent / "schemas/compose-spec.json").read_text())


def test_it_fits_the_compose_specification() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(COMPOSE)] == []


def test_it_has_all_that_the_dashboard_needs() -> None:
    assert SERVICES.keys() == {"rabbitmq", "sink", "prometheus", "grafana"}


def test_every_folder_and_file_that_it_names_exists() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            exists = (FILE.parent / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            assert exists, f"{name}: {mount}"
    assert (FILE.parent / SERVICES["sink"]["build"] / "Dockerfile").exists()


def test_the_sink_is_in_mock_whatever_the_shell_exports() -> None:
    environment = SERVICES["sink"]["environment"]
    assert environment["CJW_INTERCOM_API_TOKEN"] == "mock"
    assert environment["CJW_METRICS_PORT"] == "9464"
    assert environment.keys() <= {str(field.alias) for field in Settings.model_fields.values()}
    assert Settings.from_environment(environment).mock


def test_prometheus_scrapes_services_that_exist() -> None:
    jobs = load(ROOT / "deploy/prometheus/prometheus.yml")["scrape_configs"]
    targets = [target for job in jobs for static in job["static_configs"] for target in static["targets"]]
    assert targets == ["sink:9464", "rabbitmq:15692"]
    assert {target.split(":")[0] for target in targets} <= SERVICES.keys()


def test_nothing_is_reachable_from_other_machines() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_request_in_flight_has_time_to_finish() -> None:
    assert SERVICES["sink"]["stop_grace_period"] == "40s"
    assert Settings.model_fields["timeout"].default <= 30
