"""What the Dockerfile promises, as far as its text tells. The build itself tests the rest."""

import json
import re
import shlex
from configparser import ConfigParser
from fnmatch import fnmatch

from tests.support.documents import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LABEL = "org.opencontainers.image."


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, arguments) for name, _, arguments in (line.partition(" ") for line in text.splitlines() if line)]


def last_stage() -> list[tuple[str, str]]:
    """The instructions of the stage that becomes the image, after its FROM."""
    found = instructions()
    begin = max(index for index, (name, _) in enumerate(found) if name == "FROM")
    return found[begin + 1 :]


def commands() -> list[str]:
    """Every command that the build runs."""
    return [command.strip() for name, line in instructions() if name == "RUN" for command in line.split("&&")]


def labels() -> dict[str, str]:
    (line,) = [arguments for name, arguments in last_stage() if name == "LABEL"]
    return dict(word.removeprefix(LABEL).split("=", 1) for word in shlex.split(line))


def metadata() -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser


def is_kept_out(name: str) -> bool:
    """Whether .dockerignore keeps a file or folder of the project's root from the build."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return not any(fnmatch(name, line[1:]) for line in lines if line.startswith("!"))


def test_build_has_every_folder_that_mypy_checks() -> None:
    """mypy takes the name of a folder that is missing for a script's, and fails."""
    assert not list(filter(is_kept_out, metadata()["mypy"]["files"].split(", ")))


def test_build_has_every_file_that_the_unit_tests_read() -> None:
    modules = (ROOT / "tests" / "unit").rglob("*.py")
    read = {name for module in modules for name in re.findall(r'\bROOT / "([^"/]+)', module.read_text())}
    assert {"Makefile", "docs", "requirements"} <= read
    assert not list(filter(is_kept_out, read))


def test_build_runs_the_checks_and_the_unit_tests() -> None:
    run = [command.removeprefix("/opt/dev/bin/") for command in commands()]
    for check in ("ruff format --check .", "ruff check .", "lint-imports", "mypy", "pytest tests/unit"):
        assert check in run


def test_image_holds_only_files_that_passed_the_checks() -> None:
    assert [arguments for name, arguments in last_stage() if name in ("COPY", "ADD", "RUN")] == [
        "--from=checked /opt/intercom-sink /opt/intercom-sink"
    ]


def test_every_download_is_locked_by_hashes() -> None:
    installs = [command for command in commands() if "pip install" in command]
    assert len(installs) == 5
    for command in installs:
        assert "--require-hashes" in command or "--no-deps" in command, command


def test_labels_say_what_the_package_says_of_itself() -> None:
    package = metadata()["metadata"]
    expected = {
        "title": package["name"],
        "description": package["description"],
        "version": package["version"],
        "licenses": package["license_expression"],
        "source": package["url"],
        "documentation": f"{package['url']}#readme",
        "revision": "$REVISION",
        "created": "$CREATED",
    }
    assert labels() == expected


def test_arguments_come_last_so_that_a_new_revision_changes_no_layer() -> None:
    names = [name for name, _ in last_stage()]
    assert names[-3:] == ["ARG", "ARG", "LABEL"]
    assert "ARG" not in names[:-3]


def test_image_runs_as_a_numeric_user_who_is_not_root() -> None:
    """Kubernetes can verify `runAsNonRoot` of a number only."""
    assert [arguments for name, arguments in last_stage() if name == "USER"] == ["65532:65532"]


def test_image_starts_the_console_script_without_a_shell() -> None:
    (entrypoint,) = [arguments for name, arguments in last_stage() if name == "ENTRYPOINT"]
    (script,) = json.loads(entrypoint)
    assert f"{script} = " in metadata()["options.entry_points"]["console_scripts"]


def test_health_is_checked_by_the_same_script_without_a_shell() -> None:
    """Its timeout is well below its interval, so that checks never overlap."""
    (line,) = [arguments for name, arguments in last_stage() if name == "HEALTHCHECK"]
    options, _, command = line.partition(" CMD ")
    assert json.loads(command) == ["intercom-sink", "healthy"]
    seconds = {name: int(value) for name, value in re.findall(r"--([a-z-]+)=(\d+)s", options)}
    assert seconds["timeout"] < seconds["interval"]


def test_image_has_the_extra_for_metrics() -> None:
    assert re.search(r"^prometheus-client==", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE)


def test_image_needs_no_write_at_run_time() -> None:
    """Bytecode is compiled by the build, and python writes none; there is no volume and no working folder."""
    settings = " ".join(arguments for name, arguments in instructions() if name == "ENV")
    assert "PYTHONDONTWRITEBYTECODE=1" in settings
    assert any("compileall" in command and "unchecked-hash" in command for command in commands())
    assert not {"VOLUME", "WORKDIR"} & {name for name, _ in last_stage()}


def test_bill_of_materials_is_made_of_the_final_environment() -> None:
    """After pip is gone from it, and before the image is made."""
    made = [index for index, command in enumerate(commands()) if "cyclonedx-py environment" in command]
    changed = [
        index for index, command in enumerate(commands()) if re.search(r"intercom-sink/bin/\S+ .*install", command)
    ]
    assert len(made) == 1
    assert made[0] > max(changed)
