"""The proxy's URL, and the hosts that are reached without it."""

import pytest

from intercom_sink.adapters.intercom.proxy import Proxy, bypasses_proxy


@pytest.mark.parametrize(
    ("text", "proxy", "shown"),
    [
        ("http://proxy:3128", Proxy("proxy", 3128), "http://proxy:3128"),
        ("http://proxy/", Proxy("proxy", 80), "http://proxy:80"),
        ("proxy:3128", Proxy("proxy", 3128), "http://proxy:3128"),
        ("HTTP://[::1]:3128", Proxy("::1", 3128), "http://[::1]:3128"),
        ("http://ada:p%40ss:w%2Frd@proxy:1", Proxy("proxy", 1, "ada", "p@ss:w/rd"), "http://ada:***@proxy:1"),
        ("http://ada:@proxy:1", Proxy("proxy", 1, "ada", ""), "http://ada:***@proxy:1"),
        ("http://s3cret@proxy:1", Proxy("proxy", 1, "s3cret"), "http://***@proxy:1"),
    ],
)
def test_url_is_read_and_shown_without_its_password(text: str, proxy: Proxy, shown: str) -> None:
    assert Proxy.parse(text) == proxy
    assert str(proxy) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://u:s3cret@proxy", "socks5://u:s3cret@proxy", "http://", "http://u:s3cret@", "http://u:s3cret@proxy:0",
        "http://u:s3cret@proxy:99999", "http://u:s3cret@proxy/path", "http://u:s3cret@proxy?x", "http://u:s3cret@p#x",
        "http://u:s3 cret@proxy", "http://u:s3cret@pröxy", "http://u:s3cret@a..b",
    ],
)  # fmt: skip
def test_what_is_no_http_proxy_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="must be http://host:port") as error:
        Proxy.parse(text)
    assert "s3" not in str(error.value)


def test_password_is_in_no_representation() -> None:
    proxy = Proxy("proxy", 80, "ada", "s3cret")
    assert "s3cret" not in f"{proxy} {proxy!r}"
    assert "YWRhOnMzY3JldA==" not in f"{proxy} {proxy!r}"
    assert proxy.secrets == ("s3cret", "YWRhOnMzY3JldA==")
    assert Proxy("proxy", 80, "t0ken").secrets == ("t0ken", "dDBrZW46")
    assert Proxy("proxy", 80, "ada", "").secrets == ("YWRhOg==",)
    assert Proxy("proxy", 80).secrets == ()


def test_authorization_is_that_of_rfc_7617() -> None:
    assert Proxy("proxy", 80, "Aladdin", "open sesame").authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert Proxy("proxy", 80, "test", "123\N{POUND SIGN}").authorization == "Basic dGVzdDoxMjPCow=="
    assert Proxy("proxy", 80).authorization is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "bypassed"),
    [
        ("", "api.intercom.io", False),
        ("*", "api.intercom.io", True),
        ("api.intercom.io", "API.intercom.io", True),
        ("api.intercom.io", "api.intercom.io.", True),
        ("Intercom.io", "api.intercom.io", True),
        (".intercom.io", "api.intercom.io", True),
        ("*.intercom.io", "api.intercom.io", True),
        (".intercom.io", "intercom.io", True),
        ("tercom.io", "api.intercom.io", False),
        ("localhost, 127.0.0.1,intercom.io", "api.intercom.io", True),
        ("localhost  intercom.io", "api.intercom.io", True),
        ("api.intercom.io:443", "api.intercom.io", True),
        ("api.intercom.io:80", "api.intercom.io", False),
        (",, ,.", "api.intercom.io", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "api.intercom.io", False),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("[::1]:443", "::1", True),
        ("[::1]:80", "::1", False),
        ("fd00::/8", "fd12::1", True),
    ],
)
def test_no_proxy_names_hosts_domains_networks_and_ports(no_proxy: str, host: str, bypassed: bool) -> None:
    assert bypasses_proxy(no_proxy, host, 443) is bypassed
