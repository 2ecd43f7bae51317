"""What a webhook may be sent to: a table of URLs and of addresses, each with why not."""

from __future__ import annotations

import ipaddress
from typing import Final

import pytest

from matchmaker.core.outbound.addresses import is_public
from matchmaker.core.outbound.target import Refusal, Target, TargetRefused, parse

R = Refusal

ALLOWED: Final = {
    "https://example.com": Target("https", "example.com", 443, "/"),
    "https://example.com/": Target("https", "example.com", 443, "/"),
    "https://EXAMPLE.com/a/B?c=d&e=%2F": Target("https", "example.com", 443, "/a/B?c=d&e=%2F"),
    "https://example.com:443/x": Target("https", "example.com", 443, "/x"),
    "https://hooks.example.com:8443/x": Target("https", "hooks.example.com", 8443, "/x"),
    "https://example.com?x=1": Target("https", "example.com", 443, "/?x=1"),
    "https://example.com/a@b": Target("https", "example.com", 443, "/a@b"),
    "https://example.com/?next=http://127.0.0.1/": Target(
        "https", "example.com", 443, "/?next=http://127.0.0.1/"
    ),
    "https://xn--fiqs8s.xn--fiqs8s/": Target("https", "xn--fiqs8s.xn--fiqs8s", 443, "/"),
    "https://93.184.215.14/x": Target("https", "93.184.215.14", 443, "/x"),
    "https://[2606:4700:4700::1111]/x": Target("https", "2606:4700:4700::1111", 443, "/x"),
    "https://[2606:4700:4700:0::1111]:8443": Target("https", "2606:4700:4700::1111", 8443, "/"),
    "https://127.example.com/": Target("https", "127.example.com", 443, "/"),
}

REFUSED: Final = {
    # not https
    "http://example.com/": R.SCHEME,
    "http://example.com:443/": R.SCHEME,
    "ftp://example.com/": R.SCHEME,
    "file:///etc/passwd": R.SCHEME,
    "gopher://example.com:70/1": R.SCHEME,
    "dict://127.0.0.1:11211/stat": R.SCHEME,
    "ldap://example.com/": R.SCHEME,
    "ws://example.com/": R.SCHEME,
    "unix://var/run/docker.sock": R.SCHEME,
    # no URL, or one that is read in two ways
    "": R.MALFORMED,
    "example.com": R.MALFORMED,
    "//example.com/": R.MALFORMED,
    "https:/example.com/": R.MALFORMED,
    "https:example.com": R.MALFORMED,
    "HTTPS://example.com/": R.MALFORMED,
    " https://example.com/": R.MALFORMED,
    "https://example.com/ ": R.MALFORMED,
    "https://example.com/a b": R.MALFORMED,
    "https://example.com\\@127.0.0.1/": R.MALFORMED,
    "https://127.0.0.1\\.example.com/": R.MALFORMED,
    "https://example.com/\r\nX-Injected: 1": R.MALFORMED,
    "https://example.com/\n": R.MALFORMED,
    "https://example.com\t/": R.MALFORMED,
    "https://example.com\x00.evil/": R.MALFORMED,
    "https://例子.中国/": R.MALFORMED,
    "https://①②⑦.⓪.⓪.①/": R.MALFORMED,
    "https://127。0。0。1/": R.MALFORMED,
    "https://example.com/{x}": R.MALFORMED,
    "https://example.com:1:443/": R.MALFORMED,
    "https://::1/": R.MALFORMED,
    "https://[::1/": R.MALFORMED,
    "https://[::1]x/": R.MALFORMED,
    "https://example.com:x/": R.MALFORMED,
    "https://example.com:/": R.MALFORMED,
    "https://example.com:-443/": R.MALFORMED,
    "https://example.com:٤٤٣/": R.MALFORMED,
    "https://example.com:999999/": R.MALFORMED,
    "https://example.com/" + "a" * 2_000: R.MALFORMED,
    "javascript:alert(1)": R.MALFORMED,
    "data:text/plain,x": R.MALFORMED,
    # who is asked is not who seems to be
    "https://user@example.com/": R.USERINFO,
    "https://user:password@example.com/": R.USERINFO,
    "https://example.com@127.0.0.1/": R.USERINFO,
    "https://example.com:443@127.0.0.1/": R.USERINFO,
    "https://@example.com/": R.USERINFO,
    "https://example.com/#fragment": R.FRAGMENT,
    "https://example.com#@127.0.0.1/": R.FRAGMENT,
    "https://127.0.0.1#.example.com/": R.FRAGMENT,
    # ports
    "https://example.com:22/": R.PORT,
    "https://example.com:25/": R.PORT,
    "https://example.com:80/": R.PORT,
    "https://example.com:5432/": R.PORT,
    "https://example.com:6379/": R.PORT,
    "https://example.com:0/": R.PORT,
    "https://example.com:65536/": R.PORT,
    # numbers that some read as addresses
    "https://2130706433/": R.HOST,
    "https://0x7f000001/": R.HOST,
    "https://0x7f.0x0.0x0.0x1/": R.HOST,
    "https://0x7f.1/": R.HOST,
    "https://017700000001/": R.HOST,
    "https://0177.0.0.1/": R.HOST,
    "https://127.0.0.010/": R.HOST,
    "https://127.000.000.001/": R.HOST,
    "https://127.1/": R.HOST,
    "https://127.0.1/": R.HOST,
    "https://0/": R.HOST,
    "https://10.1/": R.HOST,
    "https://1.2.3.4.5/": R.HOST,
    "https://256.256.256.256/": R.HOST,
    "https://127.0.0.1./": R.HOST,
    "https://example.0x7f/": R.HOST,
    "https://[127.0.0.1]/": R.HOST,
    "https://[::1%25lo]/": R.ADDRESS,
    "https://[fe80::1%eth0]/": R.ADDRESS,
    "https://[::ffff:127.0.0.1.nip]/": R.HOST,
    "https://[v1.x]/": R.HOST,
    "https://[]/": R.HOST,
    "https:///path": R.HOST,
    "https://./": R.HOST,
    "https://..example.com/": R.HOST,
    "https://-a.example.com/": R.HOST,
    "https://a_b.example.com/": R.HOST,
    "https://example.com./": R.HOST,
    "https://%31%32%37.0.0.1/": R.HOST,
    "https://" + "a" * 64 + ".com/": R.HOST,
    # names of the inside
    "https://localhost/": R.HOST,
    "https://LOCALHOST/": R.HOST,
    "https://a.localhost/": R.HOST,
    "https://printer.local/": R.HOST,
    "https://metadata.google.internal/": R.HOST,
    "https://metadata/": R.HOST,
    "https://router.home.arpa/": R.HOST,
    "https://wiki.corp/": R.HOST,
    # addresses
    "https://127.0.0.1/": R.ADDRESS,
    "https://127.0.0.1:8443/": R.ADDRESS,
    "https://127.255.255.254/": R.ADDRESS,
    "https://0.0.0.0/": R.ADDRESS,
    "https://10.0.0.1/": R.ADDRESS,
    "https://169.254.169.254/latest/meta-data/": R.ADDRESS,
    "https://192.168.1.1/": R.ADDRESS,
    "https://[::1]/": R.ADDRESS,
    "https://[::]/": R.ADDRESS,
    "https://[::ffff:127.0.0.1]/": R.ADDRESS,
    "https://[::ffff:7f00:1]/": R.ADDRESS,
    "https://[0:0:0:0:0:ffff:127.0.0.1]/": R.ADDRESS,
    "https://[fd00:ec2::254]/": R.ADDRESS,
    "https://[fe80::1]/": R.ADDRESS,
}

INSIDE: Final = """
    0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
    127.8.8.8 168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8
    192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1 192.168.255.255
    192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255
    240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8
    ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1
    2001:0:7f00:1:: 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::
    2620:4f:8000::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fe80::1%eth0
    fec0::1 ff02::1 ff0e::1 4000::1
"""
OUTSIDE: Final = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1
    172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
    223.255.255.255 2400:3200::1 2606:4700:4700::1111 2a00:1450:4001:81b::200e
    2001:4860:4860::8888
"""


def test_the_tables_are_as_long_as_was_asked() -> None:
    assert len(REFUSED) + len(INSIDE.split()) >= 150


@pytest.mark.parametrize(("url", "found"), ALLOWED.items())
def test_what_is_sent_to_is_read_in_one_way(url: str, found: Target) -> None:
    assert parse(url, is_open=False) == found


@pytest.mark.parametrize(("url", "reason"), REFUSED.items())
def test_nothing_is_sent_elsewhere(url: str, reason: Refusal) -> None:
    with pytest.raises(TargetRefused) as refused:
        parse(url, is_open=False)
    assert refused.value.reason is reason


@pytest.mark.parametrize("address", INSIDE.split())
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_what_lies_beside_it_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://localhost:8080/x", "localhost:8080"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://[::1]:80/", "[::1]"),
        ("https://[::1]:9/", "[::1]:9"),
    ],
)
def test_an_open_installation_sends_to_itself(url: str, authority: str) -> None:
    assert parse(url, is_open=True).authority == authority


@pytest.mark.parametrize(
    "url", ["ftp://localhost/", "http://user@localhost/", "http://2130706433/", "http://a\\b/"]
)
def test_and_is_as_strict_about_what_it_reads(url: str) -> None:
    with pytest.raises(TargetRefused):
        parse(url, is_open=True)
