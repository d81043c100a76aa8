import subprocess
import sys
from ipaddress import ip_address

import pytest

from newsbot.downloader.addresses import AllowedHosts, host_name, literal_address, refusal


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("0.1.2.3", "private"),
        ("10.1.2.3", "private"),
        ("172.31.0.1", "private"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "private"),
        ("192.0.2.1", "private"),
        ("fd12::1", "private"),
        ("fec0::1", "private"),
        ("2001:db8::1", "private"),
        ("169.254.1.1", "link_local"),
        ("fe80::1", "link_local"),
        ("fe80::1%eth0", "link_local"),
        ("169.254.169.254", "metadata"),
        ("168.63.129.16", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("100.64.0.1", "shared"),
        ("100.127.255.255", "shared"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::169.254.169.254", "metadata"),
        ("64:ff9b:1::1", "reserved"),
        ("2002:7f00:1::", "loopback"),
        ("8.8.8.8", None),
        ("172.32.0.1", None),
        ("100.128.0.1", None),
        ("2606:4700::1111", None),
        ("::ffff:8.8.8.8", None),
        ("64:ff9b::8.8.8.8", None),
    ],
)
def test_refusal_by_address(address, reason):
    assert refusal(ip_address(address)) == reason


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0x7F000001", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("１２７.0.0.1", "127.0.0.1"),
        ("127。0。0。1", None),
        ("%31%32%37.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("a.LOCALHOST.", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[fe80::1%25eth0]", "fe80::1%eth0"),
        ("127.0.0.1 example.org", None),
        ("example.org", None),
        ("", None),
    ],
)
def test_literal_address_in_every_spelling(host, address):
    found = literal_address(host)
    assert (found and str(found)) == address


def test_allowed_hosts_are_names_addresses_and_networks():
    allowed = AllowedHosts.of(["127.0.0.1", " 10.0.0.0/8", "[::1]", "Bücher.Example."])
    assert "127.0.0.1" in allowed
    assert "10.200.3.4" in allowed
    assert "::1" in allowed
    assert "xn--bcher-kva.example" in allowed
    assert "XN--bcher-kva.example." in allowed
    for host in ("127.0.0.2", "localhost", "2130706433", "sub.xn--bcher-kva.example", "fd00::1"):
        assert host not in allowed


@pytest.mark.parametrize(
    "entry", ["http://127.0.0.1", "127.0.0.1:80", "127.0.0.1/8", "10.0.0.0/33", "127.1", "a b", "*.example.org", "-x"]
)
def test_a_wrong_allowed_host_is_reported(entry):
    with pytest.raises(ValueError, match="ALLOW_PRIVATE_HOSTS"):
        AllowedHosts.of([entry])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("a_b.example.org", "a_b.example.org"),
        ("straße.de", "xn--strae-oqa.de"),
        ("localhost", "localhost"),
        ("127.0.0.1", None),
        ("127.1", None),
        ("example.0x7f", None),
        ("example.org:80", None),
        ("user@example.org", None),
        ("-example.org", None),
        ("a..b", None),
        ("ä" * 64, None),
        ("", None),
    ],
)
def test_host_name_as_requests_have_it(text, name):
    assert host_name(text) == name


def test_an_allowed_network_holds_for_literal_addresses_alone():
    allowed = AllowedHosts.of(["fd00::/8", "inside.example"])
    assert "fd12::1" in allowed
    assert "inside.example" in allowed
    for host in ("fe80::1", "[fd12::1]", "10.0.0.1", "other.example", ""):
        assert host not in allowed


def test_it_needs_no_crawler():
    others = "{'scrapy', 'twisted', 'asyncio', 'psycopg2'}"
    told = f"import sys, newsbot.downloader.addresses; print(*{others} & {{*sys.modules}})"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout == "\n"
