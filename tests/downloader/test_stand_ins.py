import pytest
from scrapy.settings import Settings
from twisted.web.client import URI

from newsbot.downloader.stand_ins import StandIns


def tell(handler):
    """Answer with the request itself."""
    handler.answer(body=f"{handler.headers['Host']} {handler.path} {handler.headers['Proxy-Authorization']}".encode())


def redirect(location):
    return lambda handler: handler.answer(302, Location=location)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{", "STAND_INS is not valid JSON"),
        ("[1]", "not an object"),
        ('{"api.example.org": "127.0.0.1:9001"}', "'127.0.0.1:9001'"),
        ('{"api.example.org": "ftp://127.0.0.1"}', "'ftp://127.0.0.1'"),
        ('{"api.example.org": "http://"}', "'http://'"),
        ('{"api.example.org": "http://h:99999"}', "'http://h:99999'"),
        ('{"api.example.org": "http://user@h"}', "'http://user@h'"),
        ('{"api.example.org": "http://h/?q=1"}', "'http://h/?q=1'"),
        ('{"api.example.org": 9001}', "9001"),
        ('{"https://api.example.org": "http://h"}', "'https://api.example.org'"),
        ('{"api.example.org/v1": "http://h"}', "'api.example.org/v1'"),
        ('{"api.example.org:x": "http://h"}', "'api.example.org:x'"),
        ('{"": "http://h"}', "''"),
    ],
)
def test_a_wrong_value_is_reported(value, told):
    with pytest.raises(ValueError, match="STAND_INS") as error:
        StandIns(Settings({"STAND_INS": value}))
    assert told in str(error.value)


def test_a_wrong_setting_ends_the_run(crawl):
    result = crawl("http://api.example.org/", STAND_INS='{"api.example.org": "127.0.0.1:9001"}')
    assert result.exit_code == 1
    assert "STAND_INS: 'api.example.org': expected an http or https URL" in result.log


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://api.example.org/x", b"http://127.0.0.1:1"),
        ("https://API.example.org:8443/x", b"http://127.0.0.1:1"),
        ("https://api.example.org.:444/", b"http://127.0.0.1:2"),
        ("https://ported.example/", b"http://127.0.0.1:3"),
        ("http://ported.example/", None),
        ("http://[::1]:80/", b"http://127.0.0.1:4"),
        ("http://xn--bcher-kva.example/", b"http://127.0.0.1:5"),
        ("http://sub.api.example.org/", None),
    ],
)
def test_host_and_port_find_their_base(url, base):
    bases = {
        "api.example.org": "http://127.0.0.1:1",
        "api.example.org:444": "http://127.0.0.1:2",
        "ported.example:443": "http://127.0.0.1:3",
        "[::1]": "http://127.0.0.1:4",
        "Bücher.example": "http://127.0.0.1:5",
    }
    found = StandIns(Settings({"STAND_INS": bases})).base_for(URI.fromBytes(url.encode()))
    assert (found and found.toBytes()) == base


def test_a_stand_in_answers_for_a_host(serve, crawl):
    server = serve()
    base = f"http://127.0.0.1:{server.port}"
    server.routes = {
        "/robots.txt": lambda handler: handler.answer(body=b"User-agent: *\nDisallow: /closed"),
        "/plain": tell,
        "/relative": redirect("/plain?from=relative"),
        "/absolute": redirect("https://api.example.org/plain?from=absolute"),
        "/own": redirect(f"{base}/plain"),
    }
    site = "https://api.example.org"
    urls = [f"{site}{path}" for path in ("/plain?q=a%20b&c=1#end", "/relative", "/absolute", "/own", "/closed")]
    direct = f"{base}/plain"
    result = crawl(
        *urls,
        "http://api.example.org:8080/plain",
        direct,
        STAND_INS={"api.example.org": base},
        ROBOTSTXT_OBEY=True,
        CONCURRENT_REQUESTS=1,
    )
    asked = result[urls[0]]
    assert asked["body"] == "api.example.org /plain?q=a%20b&c=1 None"
    assert asked["url"] == urls[0].partition("#")[0], "as Scrapy's own handler tells it"
    assert asked["request_url"] == urls[0]
    assert result["http://api.example.org:8080/plain"]["body"].startswith("api.example.org:8080 /plain")
    for kind in ("relative", "absolute"):
        assert result[f"{site}/{kind}"]["url"] == f"{site}/plain?from={kind}"
        assert result[f"{site}/{kind}"]["body"].startswith(f"api.example.org /plain?from={kind}")
    assert "robots.txt" in result[f"{site}/closed"]["message"]
    assert result[f"{site}/own"]["error"] == "RefusedRequest"
    assert result[direct]["error"] == "RefusedRequest", "also over the connection that the stand-in left open"


def test_the_base_may_have_a_path_and_tls_is_the_base_s(serve, crawl):
    server = serve({"/mirror/v1/plain": tell})
    url = "https://api.example.org/plain?q=1"
    result = crawl(url, STAND_INS=f'{{"api.example.org": "http://localhost:{server.port}/mirror/v1/"}}')
    assert result[url]["body"] == "api.example.org /mirror/v1/plain?q=1 None"


def test_a_stand_in_goes_before_a_proxy(serve, crawl):
    server, proxy = serve({"/plain": tell}), serve()
    address = f"http://user:secret@127.0.0.1:{proxy.port}"
    url = "http://api.example.org/plain"
    result = crawl(
        url,
        STAND_INS={"api.example.org": f"http://127.0.0.1:{server.port}"},
        environment={"http_proxy": address, "https_proxy": address},
    )
    assert result[url]["body"] == "api.example.org /plain None", "no credentials of the proxy"
    assert proxy.connections == 0
