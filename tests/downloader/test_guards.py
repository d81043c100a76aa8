import datetime
import gzip
import socket
import ssl
import sys

import brotli
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def page(text):
    return lambda handler: handler.answer(body=text.encode())


def redirect(location):
    return lambda handler: handler.answer(302, Location=location)


def test_a_wrong_setting_ends_the_run_before_any_request(serve, crawl):
    server = serve()
    result = crawl(f"http://127.0.0.1:{server.port}/", ALLOW_PRIVATE_HOSTS="127.0.0.1,10.0.0.1/8")
    assert result.exit_code == 1
    assert "or a network (10.0.0.0/8), got '10.0.0.1/8'" in result.log
    assert server.connections == 0


def test_private_hosts_are_refused_in_every_spelling(serve, crawl):
    server = serve()
    hosts = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "inside.example",
    ]
    urls = [f"{scheme}://{host}:{server.port}/" for host in hosts for scheme in ("http", "https")]
    odd = [
        f"http://{host}:{server.port}/"
        for host in ("127.0.0.1.", "%31%32%37.0.0.1", "u:p@127.0.0.1", "[fe80::1%25lo]", "[::1%25lo]")
    ]
    result = crawl(*urls, *odd, names={"inside.example": [["10.0.0.1", "169.254.169.254"]]}, ROBOTSTXT_OBEY=True)
    for url in urls:
        assert result[url]["error"] == "RefusedRequest", result[url]
    for url in odd:
        assert result[url]["error"] in ("RefusedRequest", "CannotResolveHostError", "ValueError"), result[url]
    assert server.connections == 0
    inside = result[f"http://inside.example:{server.port}/"]
    assert inside["reasons"] == {"10.0.0.1": "private", "169.254.169.254": "metadata"}
    assert "'inside.example'" in inside["message"]
    assert "169.254.169.254 (metadata)" in inside["message"]
    assert "ALLOW_PRIVATE_HOSTS" in inside["message"]
    assert result.stats["guards/refused"] == len(urls) + 10, "each request, and the robots.txt of ten distinct hosts"
    assert result.stats["guards/refused/metadata"] == 3
    assert "retry/reason_count/newsbot.downloader.guards.RefusedRequest" not in result.stats


def test_what_is_allowed_is_the_host_as_it_stands_in_the_url(serve, crawl):
    server = serve()
    here = f"http://127.0.0.1:{server.port}"
    there = f"http://localhost:{server.port}"
    server.routes = {
        "/": page("home"),
        "/redirect": redirect(f"{there}/"),
        "/metadata": redirect("http://169.254.169.254/latest/"),
        "/file": redirect("file:///etc/passwd"),
        "/refresh": lambda handler: handler.answer(
            body=f'<html><meta http-equiv="refresh" content="0; url={there}/"></html>'.encode(),
            Content_Type="text/html",
        ),
        "/loop": redirect("/loop"),
        "/chain": redirect("/"),
    }
    paths = ("/", "/redirect", "/metadata", "/file", "/refresh", "/loop", "/chain")
    result = crawl(
        *(here + path for path in paths), f"{there}/", ALLOW_PRIVATE_HOSTS=["127.0.0.1"], REDIRECT_MAX_TIMES=5
    )
    assert result[f"{here}/"]["body"] == "home"
    assert result[f"{here}/chain"]["body"] == "home"
    for asked in (f"{there}/", f"{here}/redirect", f"{here}/refresh"):
        assert result[asked]["error"] == "RefusedRequest"
        assert "'localhost'" in result[asked]["message"]
    assert result[f"{here}/metadata"]["reasons"] == {"169.254.169.254": "metadata"}
    assert result[f"{here}/file"]["status"] == 302
    assert result[f"{here}/loop"]["error"] == "IgnoreRequest"
    assert server.seen.count((f"127.0.0.1:{server.port}", "/loop")) == 6
    assert not [host for host, _ in server.seen if host.startswith("localhost")]


def test_names_are_checked_by_what_dns_answers(serve, crawl):
    """127.0.0.2 stands for a public address."""
    private = serve({"/": page("private")})
    serve({"/": page("public")}, host="127.0.0.2", port=private.port)
    names = {
        "mixed.example": [["127.0.0.1", "127.0.0.2"]],
        "named.example": [["127.0.0.1"]],
        "other.example": [["127.0.0.1"]],
    }
    urls = {name: f"http://{name}:{private.port}/" for name in names}
    result = crawl(
        urls["mixed.example"],
        urls["named.example"],
        urls["other.example"],
        f"{urls['other.example']}?again",
        names=names,
        public=["127.0.0.2"],
        ALLOW_PRIVATE_HOSTS="127.0.0.1,named.example",
    )
    assert result[urls["mixed.example"]]["body"] == "public"
    assert result[urls["named.example"]]["body"] == "private"
    for url in (urls["other.example"], f"{urls['other.example']}?again"):
        assert result[url]["reasons"] == {"127.0.0.1": "loopback"}
    assert {host.partition(":")[0] for host, _ in private.seen} == {"named.example"}


def test_the_address_that_was_checked_is_the_one_connected_to(serve, crawl):
    """A name that DNS binds anew for each look-up: every connection is one look-up, and its answer is checked."""
    private = serve({"/": page("private")})
    public = serve({"/": lambda h: h.answer(body=b"public", Connection="close")}, host="127.0.0.2", port=private.port)
    url = f"http://rebinding.example:{private.port}/"
    result = crawl(
        *(f"{url}?{n}" for n in range(4)),
        names={"rebinding.example": [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1"]]},
        public=["127.0.0.2"],
        TWISTED_DNS_RESOLVER="scrapy.resolver.CachingThreadedResolver",
        DNSCACHE_ENABLED=False,
    )
    outcomes = sorted(outcome.get("body") or outcome["error"] for outcome in result.outcomes)
    assert outcomes == ["RefusedRequest"] * 2 + ["public"] * 2
    assert result.lookups == ["rebinding.example"] * 4
    assert (private.connections, public.connections) == (0, 2)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6(crawl, serve):
    server = serve({"/": page("six")}, host="::1")
    url = f"http://[::1]:{server.port}/"
    assert crawl(url, ALLOW_PRIVATE_HOSTS="::1")[url]["body"] == "six"


def test_only_http_and_https_are_downloaded(crawl, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    urls = [secret.as_uri(), "ftp://127.0.0.1/x", "s3://bucket/key", "data:text/plain,hello"]
    result = crawl(*urls)
    for url in urls:
        assert result[url]["error"] == "NotSupported"


def test_behind_a_proxy_literal_addresses_are_refused(crawl, serve):
    allowed = ["http://name.example/", "http://other.example/"]
    proxy = serve(dict.fromkeys(allowed, page("by proxy")))
    refused = [
        "http://169.254.169.254/",
        "http://2130706433/",
        "http://[::1]/",
        "http://localhost/",
        "https://127.1/",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1:/",
        "http://%31%32%37.0.0.1/",
    ]
    address = f"http://127.0.0.1:{proxy.port}"
    result = crawl(*refused, *allowed, environment={"http_proxy": address, "https_proxy": address})
    for url in refused:
        assert result[url]["error"] == "RefusedRequest"
    assert sorted(path for _, path in proxy.seen) == allowed
    assert result.log.count("go through a proxy") == 1
    assert proxy.connections <= 2


def test_certificates_are_verified(crawl, serve, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = serve({"/": page("secure")}, wrap=lambda plain: context.wrap_socket(plain, server_side=True))
    url = f"https://localhost:{server.port}/"
    assert "certificate" in crawl(url, ALLOW_PRIVATE_HOSTS="localhost")[url]["message"]
    trusted = crawl(url, ALLOW_PRIVATE_HOSTS="localhost", environment={"SSL_CERT_FILE": str(pem)})
    assert trusted[url]["body"] == "secure"


def test_bounds_of_a_response(crawl, serve):
    """Huge, endless, slow or bomb-like answers end on their own, and the page beside them arrives."""
    megabyte = b"x" * 2**20

    def huge(handler):
        handler.answer(body=megabyte, Content_Length=10**9)

    def endless(handler):
        handler.answer(Content_Length=None, Connection="close")
        while not handler.server.stopping.is_set():
            handler.wfile.write(megabyte)

    def slow(handler):
        handler.answer(Content_Length=1000)
        while not handler.server.stopping.wait(0.2):
            handler.wfile.write(b"x")

    def slow_head(handler):
        while not handler.server.stopping.wait(0.2):
            handler.wfile.write(b"H")

    def endless_head(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not handler.server.stopping.is_set():
            handler.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    def endless_interim(handler):
        while not handler.server.stopping.is_set():
            handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 20)

    def long_line(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: " + megabyte + b"\r\nContent-Length: 0\r\n\r\n")

    def bomb(encoding, body):
        return lambda handler: handler.answer(body=body, Content_Encoding=encoding)

    zeros = bytes(64 * 2**20)
    server = serve(
        {
            "/": page("fine"),
            "/huge": huge,
            "/endless": endless,
            "/slow": slow,
            "/slow-head": slow_head,
            "/endless-head": endless_head,
            "/endless-interim": endless_interim,
            "/long-line": long_line,
            "/gzip": bomb("gzip", gzip.compress(zeros)),
            "/gzip-twice": bomb("gzip, gzip", gzip.compress(gzip.compress(zeros))),
            "/br": bomb("br", brotli.compress(zeros, quality=1)),
            "/zstd": bomb("zstd", zstd.compress(zeros)),
        }
    )
    expected = {
        "/huge": "DownloadCancelledError",
        "/endless": "DownloadCancelledError",
        "/slow": "DownloadTimeoutError",
        "/slow-head": "DownloadTimeoutError",
        "/endless-head": "DownloadFailedError",
        "/endless-interim": "DownloadFailedError",
        "/long-line": "DownloadFailedError",
        "/gzip": "IgnoreRequest",
        "/gzip-twice": "IgnoreRequest",
        "/br": "IgnoreRequest",
        "/zstd": "IgnoreRequest",
    }
    base = f"http://127.0.0.1:{server.port}"
    result = crawl(
        *(base + path for path in expected),
        f"{base}/",
        ALLOW_PRIVATE_HOSTS="127.0.0.1",
        DOWNLOAD_MAXSIZE=4 * 2**20,
        DOWNLOAD_TIMEOUT=3,
        RETRY_ENABLED=False,
    )
    assert {path: result[base + path].get("error") for path in expected} == expected
    for path in ("/endless-head", "/long-line"):
        assert "headers are longer than 262144 bytes" in result[base + path]["message"]
    assert result[f"{base}/"]["body"] == "fine"
    assert result.peak_memory < 400 * 2**20
