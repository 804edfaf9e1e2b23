import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_assets.wolkvox import servers

SANDBOX = "http://127.0.0.1:8001/wv{server}/api/v2/"


@pytest.mark.parametrize(
    "text",
    [
        "0042",
        "  0042\n",
        "wv0042",
        "WV0042",
        "wv0042.wolkvox.com",
        " Wv0042.Wolkvox.COM ",
        "https://wv0042.wolkvox.com",
        "https://wv0042.wolkvox.com/",
        "https://wv0042.wolkvox.com:443/",
        "HTTPS://WV0042.WOLKVOX.COM/api/v2/whatsapp.php?api=upload_media",
        "http://wv0042.wolkvox.com/api/v2/",
        "wv0042.wolkvox.com/api/v2/",
    ],
)
def test_whatever_people_write_for_a_server_becomes_its_four_digits(text):
    assert servers.normalise_server(text) == "0042"


HOSTILE = [
    "",
    " ",
    "42",
    "00042",
    "00 42",
    "0042\n0043",
    "0001.evil.test/#",
    "0001.evil.test/",
    "@evil.test/",
    "0042@evil.test",
    "0042.evil.com",
    "wv0042.evil.com",
    "wv0042.wolkvox.com.evil.test",
    "wv0042.wolkvox.com@evil.test",
    "wv0042.wolkvox.com:8443@evil.test/",
    "wv0042.wolkvox.com\\@evil.test",
    "https://wv0042.wolkvox.com\\@evil.test/",
    "https://user@wv0042.wolkvox.com/",
    "https://evil.test/wv0042.wolkvox.com",
    "https://wv0042.wolkvox.com:8443/",
    "https://wv0042.wolkvox.comevil.test/",
    "https://wv0042.wolkvox.com/a b",
    "https://wv0042.wolkvox.com/\r\nHost: evil.test",
    "https://wv0042.wolkvoxxcom/",
    "ftp://wv0042.wolkvox.com/",
    "//wv0042.wolkvox.com/",
    "wv0042.wol\u212avox.com",  # the sign for kelvin
    "００４２",
    "٠٠٤٢",
    "0042\0",
    "{server}",
    "%30%30%34%32",
    "../0042",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_server_that_could_move_the_host_is_refused(text):
    with pytest.raises(ValueError, match="four digits"):
        servers.normalise_server(text)


@given(st.text())
def test_any_text_is_four_digits_or_refused(text):
    try:
        server = servers.normalise_server(text)
    except ValueError:
        return
    assert len(server) == 4
    assert server.isascii()
    assert server.isdigit()


@given(st.text(alphabet="0123456789wv.:/@#?\\%olkxcm", max_size=30))
def test_a_text_that_looks_like_a_server_never_moves_the_host(text):
    try:
        server = servers.normalise_server(text)
    except ValueError:
        return
    url = servers.base_url(servers.REAL_BASE_URL, server=server)
    assert url == f"https://wv{server}.wolkvox.com/api/v2/"


def test_the_base_url_is_built_from_the_pattern_and_the_server():
    assert servers.base_url(servers.REAL_BASE_URL, server="0042") == (
        "https://wv0042.wolkvox.com/api/v2/"
    )
    assert servers.base_url(SANDBOX, server="0042") == "http://127.0.0.1:8001/wv0042/api/v2/"
    assert servers.base_url(SANDBOX.rstrip("/"), server="0042").endswith("/wv0042/api/v2/")


@pytest.mark.parametrize("server", [*HOSTILE, "wv0042", " 0042", "0042 "])
def test_only_four_digits_are_put_into_a_base_url(server):
    with pytest.raises(ValueError, match="four digits"):
        servers.base_url(SANDBOX, server=server)


@pytest.mark.parametrize(
    "pattern",
    [
        servers.REAL_BASE_URL,
        SANDBOX,
        "https://127.8.9.1/{server}/",
        "http://localhost:8001/wv{server}",
        "http://[::1]:8001/wv{server}/api/v2/",
    ],
)
def test_the_real_service_and_this_machine_are_allowed_patterns(pattern):
    servers.check_pattern(pattern)
    assert servers.base_url(pattern, server="0042")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "https://wv0042.wolkvox.com/api/v2/",
        "http://wv{server}.wolkvox.com/api/v2/",
        "https://wv{server}.wolkvox.com/api/v3/",
        "https://wv{server}.wolkvox.com:8443/api/v2/",
        "https://wv{server}.wolkvox.com.evil.test/api/v2/",
        "https://evil.test/{server}/",
        "https://10.0.0.1/{server}/",
        "http://0.0.0.0:8001/{server}/",
        "http://{server}/",
        "http://127.0.0.1:{server}/",
        "http://127.0.0.1:99999/{server}/",
        "http://127.0.0.1:8001/{server}/{server}/",
        "http://127.0.0.1:8001/{server.__class__}/",
        "http://127.0.0.1:8001/{server}{0}/",
        "http://127.0.0.1:8001/api/v2/",
        "http://127.0.0.1@evil.test/{server}/",
        "http://{server}@127.0.0.1/",
        "http://127.0.0.1\\@evil.test/{server}/",
        "http://127.0.0.1/\t{server}/",
        "http://127.0.0.1:8001/?{server}",
        "http://127.0.0.1:8001/#{server}",
        "http://127.1:8001/{server}/",
        "http://2130706433:8001/{server}/",
        "http://localhost.evil.test/{server}/",
        "http://[::ffff:127.0.0.1]/{server}/",
        "http://[::1/{server}/",
        "http://１27.0.0.1/{server}/",
        "ftp://127.0.0.1/{server}/",
        "//127.0.0.1/{server}/",
    ],
)
def test_every_other_pattern_is_refused(pattern):
    with pytest.raises(ValueError):
        servers.check_pattern(pattern)
    with pytest.raises(ValueError):
        servers.base_url(pattern, server="0042")


@given(st.text())
def test_any_pattern_is_allowed_or_refused_with_a_value_error(pattern):
    try:
        servers.check_pattern(pattern)
    except ValueError:
        return
    assert servers.base_url(pattern, server="0042")


def test_everything_but_the_real_service_counts_as_the_sandbox():
    assert not servers.is_sandbox(servers.REAL_BASE_URL)
    assert not servers.is_sandbox(servers.REAL_BASE_URL.rstrip("/"))
    assert servers.is_sandbox(SANDBOX)
    assert servers.is_sandbox("https://wv{server}.wolkvox.com.evil.test/api/v2/")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://wv0042.wolkvox.com/api/v2/", "https://wv0042.wolkvox.com:443/api/v2/"),
        ("HTTPS://WV0042.wolkvox.com:443/API/v2", "https://wv0042.wolkvox.com:443/api/v2/"),
        ("http://127.0.0.1:8001/wv0042/api/v2/", "http://127.0.0.1:8001/wv0042/api/v2/"),
        ("http://localhost", "http://localhost:80/"),
        ("http://[::1]:8001/x/", "http://[::1]:8001/x/"),
    ],
)
def test_an_origin_always_has_the_port_and_is_lower_case(url, origin):
    assert servers.origin(url) == origin


def test_different_servers_have_different_origins():
    urls = [servers.base_url(SANDBOX, server=server) for server in ("0042", "0043")]
    assert len({servers.origin(url) for url in urls}) == 2


@pytest.mark.parametrize("url", ["", "ftp://a/", "https:///x", "https://u@a/", "https://a/?q", "x"])
def test_what_is_no_plain_address_has_no_origin(url):
    with pytest.raises(ValueError):
        servers.origin(url)


@pytest.mark.parametrize("url", ["http://wv0042.wolkvox.com/api/v2/", "http://10.0.0.1/", "x"])
def test_a_token_may_not_travel_unencrypted_to_another_machine(url):
    with pytest.raises(ValueError):
        servers.check_base_url(url)


@pytest.mark.parametrize("url", ["https://wv0042.wolkvox.com/api/v2/", "http://127.0.0.1:1/"])
def test_a_token_may_travel_encrypted_or_stay_on_this_machine(url):
    servers.check_base_url(url)
