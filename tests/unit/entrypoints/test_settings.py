"""Settings from environment variables, and every problem in them."""

from pathlib import Path

import pytest

from intercom_sink import ConfigurationError, IntercomSettings, RabbitMQSettings, Settings, SinkSettings
from intercom_sink.entrypoints.settings import BrokerSettings, DeadLetterSettings, find_unknown

REQUIRED = {
    "CJW_RABBITMQ_HOST": "amqp://user:pass@rabbit/vhost",
    "CJW_INTERCOM_API_TOKEN": "dG9rOmFiYw==",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
}


def problems(**variables: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment(REQUIRED | variables)
    return error.value.problems


def test_defaults_hold_where_a_variable_is_unset() -> None:
    settings = Settings.from_environment(REQUIRED | {"HOME": "/root", "CJW_OF_ANOTHER_SERVICE": "x"})
    assert [str(url) for url in settings.rabbitmq.urls] == ["amqp://user@rabbit:5672/vhost"]
    assert settings.token.value == "dG9rOmFiYw=="
    assert settings.queue == "intercom"
    assert settings.api_url == "https://api.intercom.io"
    assert settings.api_version is None
    assert settings.timeout == 30
    assert settings.reconnect_timeout == 60
    assert (settings.log_level, settings.log_format) == ("INFO", "text")
    assert not settings.mock
    assert (settings.hold, settings.dead_letter_not_found, settings.allow_http) == (False, False, False)
    assert (settings.token_file, settings.rabbitmq_file) == (None, None)


def test_every_setting_can_be_set_and_is_stripped() -> None:
    settings = Settings.from_environment(
        {
            "CJW_RABBITMQ_HOST": "amqps://user:pass@one, two:5673",
            "CJW_INTERCOM_API_TOKEN": "mock\n",
            "CJW_INTERCOM_QUEUE_NAME": " intercom é ",
            "CJW_INTERCOM_API_URL": "http://localhost:8080/proxy/",
            "CJW_INTERCOM_API_VERSION": "2.11",
            "CJW_INTERCOM_TIMEOUT": "2.5",
            "CJW_RABBITMQ_RECONNECT_TIMEOUT": "0",
            "CJW_LOG_LEVEL": "debug",
            "CJW_LOG_FORMAT": "JSON",
            "CJW_INTERCOM_CONCURRENCY": "64",
            "CJW_INTERCOM_RATE_RESERVE": "0.25",
            "CJW_INTERCOM_DEAD_LETTER_QUEUE": "",
        }
    )
    assert [str(url) for url in settings.rabbitmq.urls] == ["amqps://user@one:5671/", "amqp://guest@two:5673/"]
    assert settings.mock
    assert settings.queue == "intercom é"
    assert settings.api_version == "2.11"
    assert settings.timeout == 2.5
    assert settings.reconnect_timeout == 0
    assert (settings.concurrency, settings.rate_reserve) == (64, 0.25)
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


def test_missing_and_empty_variables_are_all_named() -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment({"CJW_INTERCOM_API_TOKEN": ""})
    assert sorted(error.value.problems) == [f"{name}: is required" for name in sorted(REQUIRED)]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("CJW_RABBITMQ_HOST", "http://rabbit", "neither with amqp://"),
        ("CJW_RABBITMQ_HOST", "amqp://one,amqp://", "URL 2 of 2 names no host"),
        ("CJW_INTERCOM_API_TOKEN", "a b", "whitespace"),
        ("CJW_INTERCOM_API_TOKEN", "a\r\nX-Evil: 1", "whitespace"),
        ("CJW_INTERCOM_API_TOKEN", "tökén", "not ASCII"),
        ("CJW_INTERCOM_QUEUE_NAME", "é" * 128, "1 to 255 bytes, and not 256"),
        ("CJW_INTERCOM_API_URL", "api.intercom.io", "http://"),
        ("CJW_INTERCOM_API_URL", "ftp://api.intercom.io", "http://"),
        ("CJW_INTERCOM_API_URL", "https://", "with a host"),
        ("CJW_INTERCOM_API_URL", "https://user:pass@api.intercom.io", "nothing else"),
        ("CJW_INTERCOM_API_URL", "https://api.intercom.io?x=1", "nothing else"),
        ("CJW_INTERCOM_API_URL", "https://api.intercom.io:port", "perhaps a port"),
        ("CJW_INTERCOM_API_URL", "https://api intercom.io", "nothing else"),
        ("CJW_INTERCOM_API_URL", "http://a..b", "with a host"),
        ("CJW_INTERCOM_API_URL", "http://.", "with a host"),
        ("CJW_INTERCOM_API_URL", "http://a%zz", "with a host"),
        ("CJW_INTERCOM_API_URL", "http://[v1.x]", "with a host"),
        ("CJW_INTERCOM_API_URL", f"http://{'x' * 64}.com", "with a host"),
        ("CJW_INTERCOM_API_TOKEN", "MOCK", "not in lower case"),
        ("CJW_INTERCOM_API_VERSION", "2 11", "'2 11': holds whitespace"),
        ("CJW_INTERCOM_TIMEOUT", "30s", "'30s': Input should be a valid number"),
        ("CJW_INTERCOM_TIMEOUT", "0", "greater than 0"),
        ("CJW_INTERCOM_TIMEOUT", "nan", "finite number"),
        ("CJW_INTERCOM_TIMEOUT", "1e9", "less than or equal to 86400"),
        ("CJW_RABBITMQ_RECONNECT_TIMEOUT", "-1", "greater than or equal to 0"),
        ("CJW_LOG_LEVEL", "LOUD", "'DEBUG'"),
        ("CJW_LOG_FORMAT", "xml", "'text', 'json' or 'ecs'"),
        ("CJW_INTERCOM_CONCURRENCY", "0", "greater than or equal to 1"),
        ("CJW_INTERCOM_CONCURRENCY", "257", "less than or equal to 256"),
        ("CJW_INTERCOM_CONCURRENCY", "many", "'many': Input should be a valid integer"),
        ("CJW_INTERCOM_CONCURRENCY", "1.5", "'1.5': Input should be a valid integer"),
        ("CJW_INTERCOM_RATE_RESERVE", "0.91", "less than or equal to 0.9"),
        ("CJW_INTERCOM_RATE_RESERVE", "-0.1", "greater than or equal to 0"),
        ("CJW_INTERCOM_RATE_RESERVE", "nan", "finite number"),
        ("CJW_INTERCOM_DEAD_LETTER_QUEUE", "intercom", "is the source queue"),
        ("CJW_INTERCOM_DEAD_LETTER_QUEUE", "d" * 256, "1 to 255 bytes, and not 256"),
        ("CJW_METRICS_PORT", "0", "greater than or equal to 1"),
        ("CJW_METRICS_PORT", "65536", "less than or equal to 65535"),
        ("CJW_METRICS_PORT", "http", "'http': Input should be a valid integer"),
        ("CJW_METRICS_HOST", "a..b", "'a..b': is not a host name or an address"),
        ("CJW_INTERCOM_HOLD", "maybe", "'maybe': must be on or off"),
        ("CJW_INTERCOM_ALLOW_HTTP", "1", "'1': must be on or off"),
        ("CJW_INTERCOM_DEAD_LETTER_NOT_FOUND", "x", "'x': must be on or off"),
        ("CJW_INTERCOM_DEAD_LETTER_NOT_FOUND", "on", "CJW_INTERCOM_DEAD_LETTER_QUEUE is unset"),
        ("CJW_INTERCOM_API_URL", "http://api.intercom.io", "would send the token unencrypted"),
    ],
)
def test_invalid_value_is_one_line_that_names_its_variable(name: str, value: str, complaint: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name}: ")
    assert complaint in problem
    assert "\n" not in problem


def test_all_faults_are_reported_at_once() -> None:
    found = problems(CJW_RABBITMQ_HOST="", CJW_INTERCOM_TIMEOUT="x", CJW_LOG_LEVEL="x", CJW_METRICS_PORT="x")
    names = ["CJW_INTERCOM_TIMEOUT", "CJW_LOG_LEVEL", "CJW_METRICS_PORT", "CJW_RABBITMQ_HOST"]
    assert sorted(problem.split(":")[0] for problem in found) == names


def test_publisher_needs_only_the_broker_and_the_queue() -> None:
    settings = BrokerSettings.from_environment(
        {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q", "CJW_METRICS_PORT": "9090"}
    )
    assert settings.queue == "q"


def test_no_secret_is_in_a_fault_or_repr() -> None:
    secret = "s3cr3t"
    for host in (f"amqp://u:{secret}/{secret}@h", f"amqp://u:{secret}@h:x", f"amqp://u:{secret}@h/?{secret}={secret}"):
        (problem,) = problems(CJW_RABBITMQ_HOST=host)
        assert secret not in problem
    (problem,) = problems(CJW_INTERCOM_API_URL=f"https://u:{secret}@h")
    assert secret not in problem
    (problem,) = problems(CJW_INTERCOM_API_TOKEN=f"{secret} {secret}")
    assert secret not in problem
    settings = Settings.from_environment(
        REQUIRED | {"CJW_RABBITMQ_HOST": f"amqp://u:{secret}@h", "CJW_INTERCOM_API_TOKEN": secret}
    )
    assert secret not in repr(settings) + str(settings)


def test_dead_letter_commands_need_a_dead_letter_queue() -> None:
    variables = {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAME": "q"}
    with pytest.raises(ConfigurationError) as error:
        DeadLetterSettings.from_environment(variables)
    assert error.value.problems == ["CJW_INTERCOM_DEAD_LETTER_QUEUE: is required"]
    settings = DeadLetterSettings.from_environment(variables | {"CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead"})
    assert (settings.queue, settings.dead_letter_queue) == ("q", "dead")


@pytest.mark.parametrize(
    ("text", "value"),
    [("on", True), ("ON", True), ("off", False), (" Off\n", False), ("true", True), ("false", False), ("", False)],
)
def test_switch_is_on_or_off_in_any_letter_case(text: str, value: bool) -> None:
    """And "true" and "false", which YAML makes of an `on` or `off` without quotes."""
    settings = Settings.from_environment(
        REQUIRED
        | {
            "CJW_INTERCOM_HOLD": text,
            "CJW_INTERCOM_ALLOW_HTTP": text,
            "CJW_INTERCOM_DEAD_LETTER_NOT_FOUND": text,
            "CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead",
        }
    )
    assert (settings.hold, settings.allow_http, settings.dead_letter_not_found) == (value, value, value)


LOOPBACK = ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.8.9.1:80/x", "[::1]:8080"]
OTHERS = [
    "intercom.internal",
    "10.0.0.1",
    "0.0.0.0",
    "localhost.example.com",
    "127.1",
    "127.0.0.1.example.com",
    "[::2]",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_http_to_loopback_needs_no_permission(host: str) -> None:
    url = f"http://{host}"
    assert Settings.from_environment(REQUIRED | {"CJW_INTERCOM_API_URL": url}).api_url == url


@pytest.mark.parametrize("host", OTHERS)
def test_http_to_another_host_is_refused_unless_it_is_allowed(host: str) -> None:
    url = f"http://{host}"
    for switch in ("", "off"):
        (problem,) = problems(CJW_INTERCOM_API_URL=url, CJW_INTERCOM_ALLOW_HTTP=switch)
        assert problem.startswith("CJW_INTERCOM_API_URL: ")
        assert "CJW_INTERCOM_ALLOW_HTTP=on" in problem
    allowed = {"CJW_INTERCOM_API_URL": url, "CJW_INTERCOM_ALLOW_HTTP": "on"}
    assert Settings.from_environment(REQUIRED | allowed).api_url == url


def test_http_stays_refused_with_an_upper_case_scheme() -> None:
    (problem,) = problems(CJW_INTERCOM_API_URL="HTTP://intercom.internal")
    assert "unencrypted" in problem


FILES = [("CJW_INTERCOM_API_TOKEN", "dG9rOnNlY3JldA=="), ("CJW_RABBITMQ_HOST", "amqp://user:s3cr3t@rabbit/")]


@pytest.fixture
def environ() -> dict[str, str]:
    return dict(REQUIRED)


def test_files_hold_the_secrets_in_place_of_variables(tmp_path: Path, environ: dict[str, str]) -> None:
    for variable, value in FILES:
        path = tmp_path / variable
        path.write_text(f"{value}\n")
        del environ[variable]
        environ[f"{variable}_FILE"] = str(path)
    settings = Settings.from_environment(environ)
    assert settings.token.value == "dG9rOnNlY3JldA=="
    assert [str(url) for url in settings.rabbitmq.urls] == ["amqp://user@rabbit:5672/"]
    assert settings.token_file == tmp_path / "CJW_INTERCOM_API_TOKEN"
    assert not settings.mock
    assert "s3cr3t" not in repr(settings)
    assert "dG9rOnNlY3JldA==" not in repr(settings)


def test_secrets_of_files_are_read_again_on_reload(tmp_path: Path, environ: dict[str, str]) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    del environ["CJW_INTERCOM_API_TOKEN"]
    settings = Settings.from_environment(environ | {"CJW_INTERCOM_API_TOKEN_FILE": str(path)})
    for invalid in ("", "two words", "MOCK"):
        path.write_text(invalid)
        assert not settings.token.reload()
        assert settings.token.value == "old"
    path.write_text("new")
    assert settings.token.reload()
    assert settings.token.value == "new"


def test_token_of_a_file_may_be_the_word_mock(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "token").write_text("mock\n")
    del environ["CJW_INTERCOM_API_TOKEN"]
    assert Settings.from_environment(environ | {"CJW_INTERCOM_API_TOKEN_FILE": str(tmp_path / "token")}).mock


@pytest.mark.parametrize(("variable", "value"), FILES)
def test_value_and_file_both_set_is_a_fault(variable: str, value: str, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "secret").write_text(value)
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment(environ | {f"{variable}_FILE": str(tmp_path / "secret")})
    assert error.value.problems == [f"{variable}_FILE: {variable} is set too; set one of them"]


@pytest.mark.parametrize("variable", [variable for variable, _ in FILES])
@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff", b"amqp:// s3cr3t:@\t", b"s3cr3t" * 20_000])
def test_unusable_file_is_one_fault_with_variable_and_path(
    variable: str, content: bytes | None, tmp_path: Path, environ: dict[str, str]
) -> None:
    """The content is never shown. None: there is no file."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    del environ[variable]
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment(environ | {f"{variable}_FILE": str(path)})
    (problem,) = error.value.problems
    assert problem.startswith(f"{variable}_FILE: the file '{path}'")
    assert "s3cr3t" not in problem
    assert "\n" not in problem


@pytest.mark.parametrize(("variable", "value"), FILES)
def test_secret_given_as_its_own_path_is_not_shown(variable: str, value: str, environ: dict[str, str]) -> None:
    del environ[variable]
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment(environ | {f"{variable}_FILE": value})
    (problem,) = error.value.problems
    assert problem.startswith(f"{variable}_FILE: ")
    assert "must be a path" in problem
    assert value not in problem


def test_publisher_reads_the_broker_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("rabbit")
    variables = {"CJW_RABBITMQ_HOST_FILE": str(tmp_path / "host"), "CJW_INTERCOM_QUEUE_NAME": "q"}
    settings = BrokerSettings.from_environment(variables | {"CJW_INTERCOM_API_TOKEN_FILE": "/nowhere"})
    assert [str(url) for url in settings.rabbitmq.urls] == ["amqp://guest@rabbit:5672/"]


def test_missing_variable_names_its_typo() -> None:
    with pytest.raises(ConfigurationError) as error:
        BrokerSettings.from_environment({"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_QUEUE_NAM": "q"})
    assert error.value.problems == [
        "CJW_INTERCOM_QUEUE_NAME: is required; CJW_INTERCOM_QUEUE_NAM is set: is that a typo?"
    ]


def test_every_setting_is_known() -> None:
    known = dict.fromkeys((str(field.alias) for field in Settings.model_fields.values()), "x")
    assert list(find_unknown(known)) == []
    assert [str(unknown) for unknown in find_unknown({"CJW_INTERCOM_CONCURENCY": "3"})] == [
        "CJW_INTERCOM_CONCURENCY is not a setting; did you mean CJW_INTERCOM_CONCURRENCY?"
    ]


def test_metrics_are_off_unless_there_is_a_port() -> None:
    settings = Settings.from_environment(REQUIRED)
    assert (settings.metrics_port, settings.metrics_host) == (None, "0.0.0.0")
    settings = Settings.from_environment(REQUIRED | {"CJW_METRICS_PORT": "9464", "CJW_METRICS_HOST": "::1"})
    assert (settings.metrics_port, settings.metrics_host) == (9464, "::1")
    assert settings.shown()["CJW_METRICS_PORT"] == "9464"


def test_shown_settings_are_those_in_force_with_secrets_masked() -> None:
    given = {"CJW_INTERCOM_TIMEOUT": "12345.670", "CJW_INTERCOM_HOLD": "ON", "CJW_INTERCOM_CONCURRENCY": "8"}
    shown = Settings.from_environment(REQUIRED | given).shown()
    assert shown.keys() == {str(field.alias) for field in Settings.model_fields.values()}
    assert shown["CJW_RABBITMQ_HOST"] == "amqp://user@rabbit:5672/vhost"
    assert shown["CJW_INTERCOM_API_TOKEN"] == "***"
    assert shown["CJW_INTERCOM_API_URL"] == "https://api.intercom.io"
    assert shown["CJW_INTERCOM_DEAD_LETTER_QUEUE"] == "unset"
    assert (shown["CJW_INTERCOM_TIMEOUT"], shown["CJW_RABBITMQ_RECONNECT_TIMEOUT"]) == ("12345.67", "60")
    assert (shown["CJW_INTERCOM_HOLD"], shown["CJW_INTERCOM_ALLOW_HTTP"]) == ("on", "off")
    assert shown["CJW_INTERCOM_CONCURRENCY"] == "8"
    assert "dG9rOmFiYw==" not in str(shown)
    assert (
        Settings.from_environment(REQUIRED | {"CJW_INTERCOM_API_TOKEN": "mock"}).shown()["CJW_INTERCOM_API_TOKEN"]
        == "mock"
    )


# Proxies.


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://one:1"}, "http://one:1"),
        ({"https_proxy": "http://one:1"}, "http://one:1"),
        ({"HTTPS_PROXY": "http://one:1", "https_proxy": "http://two:2"}, "http://two:2"),
        ({"HTTPS_PROXY": "http://one:1", "https_proxy": ""}, "http://one:1"),
        ({"HTTP_PROXY": "http://one:1"}, None),
        ({"HTTP_PROXY": "socks5://one:1", "HTTPS_PROXY": "http://two:2"}, "http://two:2"),
        ({"HTTP_PROXY": "http://one:1", "CJW_INTERCOM_API_URL": "http://127.0.0.1:9"}, "http://one:1"),
        ({"HTTPS_PROXY": "socks5://one:1", "NO_PROXY": "intercom.io"}, None),
        ({"HTTPS_PROXY": "http://one:1", "NO_PROXY": "example.com"}, "http://one:1"),
        ({"HTTPS_PROXY": "http://one:1", "no_proxy": "api.intercom.io:443"}, None),
    ],
)
def test_proxy_is_the_one_for_the_base_url(variables: dict[str, str], proxy: str | None) -> None:
    settings = Settings.from_environment(REQUIRED | variables)
    assert (settings.proxy and str(settings.proxy)) == proxy


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    "value", ["socks5://ada:s3cret@proxy:1", "http://ada:s3 cret@proxy", "https://ada:s3cret@proxy"]
)
def test_proxy_that_cannot_be_used_is_a_line_that_names_its_variable(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name}: must be http://host:port")
    assert "s3" not in problem


def test_proxies_are_shown_without_their_passwords() -> None:
    variables = {"HTTPS_PROXY": "http://ada:s3cret@proxy:3128", "HTTP_PROXY": "http://ada:s3cret@proxy:3128"}
    shown = Settings.from_environment(REQUIRED | variables | {"NO_PROXY": "localhost"}).shown()
    assert (shown["HTTPS_PROXY"], shown["HTTP_PROXY"]) == ("http://ada:***@proxy:3128", "not used")
    assert shown["NO_PROXY"] == "localhost"


def test_proxy_is_no_problem_of_its_own_where_the_base_url_is_one() -> None:
    (problem,) = problems(CJW_INTERCOM_API_URL="nonsense", HTTPS_PROXY="socks5://proxy")
    assert problem.startswith("CJW_INTERCOM_API_URL: ")


# Settings of a part.


def test_sink_with_a_source_of_its_own_needs_no_variable_of_rabbitmq() -> None:
    settings = IntercomSettings.from_environment({"CJW_INTERCOM_API_TOKEN": "t", "CJW_RABBITMQ_HOST": "http://ignored"})
    assert settings.token.value == "t"
    assert (settings.concurrency, settings.timeout, settings.dead_letter_queue) == (1, 30, None)


def test_sink_with_a_gateway_of_its_own_needs_no_token() -> None:
    variables = {name: value for name, value in REQUIRED.items() if name != "CJW_INTERCOM_API_TOKEN"}
    settings = RabbitMQSettings.from_environment(variables | {"CJW_INTERCOM_API_TOKEN": "not valid"})
    assert (settings.queue, settings.reconnect_timeout) == ("intercom", 60)


def test_sink_with_both_needs_no_variable() -> None:
    assert SinkSettings.from_environment({}).concurrency == 1


@pytest.mark.parametrize(
    ("kind", "faults"),
    [
        (SinkSettings, {"CJW_INTERCOM_CONCURRENCY", "CJW_INTERCOM_HOLD"}),
        (IntercomSettings, {"CJW_INTERCOM_CONCURRENCY", "CJW_INTERCOM_HOLD", "CJW_INTERCOM_API_TOKEN"}),
        (
            RabbitMQSettings,
            {
                "CJW_INTERCOM_CONCURRENCY",
                "CJW_INTERCOM_HOLD",
                "CJW_RABBITMQ_HOST",
                "CJW_INTERCOM_QUEUE_NAME",
                "CJW_RABBITMQ_RECONNECT_TIMEOUT",
            },
        ),
    ],
)
def test_every_fault_of_a_part_is_reported_at_once(kind: type[SinkSettings], faults: set[str]) -> None:
    variables = {
        "CJW_INTERCOM_CONCURRENCY": "many",
        "CJW_INTERCOM_HOLD": "perhaps",
        "CJW_RABBITMQ_HOST": "http://rabbit",
        "CJW_RABBITMQ_RECONNECT_TIMEOUT": "soon",
    }
    with pytest.raises(ConfigurationError) as error:
        kind.from_environment(variables)
    assert {problem.partition(":")[0] for problem in error.value.problems} == faults


def test_dead_letter_queue_must_differ_from_the_source_queue_in_each_part() -> None:
    same = REQUIRED | {"CJW_INTERCOM_DEAD_LETTER_QUEUE": "intercom"}
    for kind in (RabbitMQSettings, Settings):
        with pytest.raises(ConfigurationError, match="is the source queue"):
            kind.from_environment(same)
