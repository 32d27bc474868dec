"""What may be fetched for a message: judged without the network (channels.md §0, "Media fetch")."""

from __future__ import annotations

import pytest
from yarl import URL

from channels.errors import MediaRefused
from channels.media import MediaRules, check, is_public

RULES = MediaRules(
    account_id="sms", hosts=("api.twilio.com", ".twiliocdn.com"), credential_host="api.twilio.com", credential="Basic secret"
)
SANDBOX = MediaRules(
    account_id="sms", hosts=("api.twilio.com",), credential_host="api.twilio.com", credential="Basic secret", loopback="127.0.0.1:4010"
)


def headers(url: str, rules: MediaRules = RULES) -> dict[str, str]:
    return dict(check(URL(url), rules))


def test_the_credential_is_shown_to_the_api_host_only() -> None:
    assert headers("https://api.twilio.com/2010-04-01/x") == {"Authorization": "Basic secret"}
    assert headers("https://media.twiliocdn.com/x") == {}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "https://api.twilio.com.evil.example/x",
        "https://evil.example#api.twilio.com",
        "https://api.twilio.com@evil.example/x",
        "https://user:pw@api.twilio.com/x",
        "https://api.twilio.com:8443/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        "https://twiliocdn.com/x",
        "https://eviltwiliocdn.com/x",
        "https://media.twiliocdn.com.evil.example/x",
    ],
)
def test_other_hosts_are_refused(url: str) -> None:
    with pytest.raises(MediaRefused, match="host"):
        headers(url)


@pytest.mark.parametrize("url", ["http://api.twilio.com/x", "ftp://api.twilio.com/x", "file:///etc/passwd", "/x", "data:text/plain,x"])
def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(MediaRefused, match="scheme"):
        headers(url)


def test_a_sandbox_reaches_its_own_double_and_no_other_port_or_host() -> None:
    assert headers("http://127.0.0.1:4010/x", SANDBOX) == {"Authorization": "Basic secret"}
    for url in ("http://127.0.0.1:4011/x", "http://localhost:4010/x", "http://127.0.0.2:4010/x", "http://u@127.0.0.1:4010/x"):
        with pytest.raises(MediaRefused):
            headers(url, SANDBOX)


def test_a_loopback_host_that_is_not_loopback_is_refused() -> None:
    outside = MediaRules(account_id="sms", hosts=(), credential_host="", credential="c", loopback="192.0.2.1:80")
    with pytest.raises(MediaRefused, match="scheme"):
        headers("http://192.0.2.1:80/x", outside)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
        "ff02::1",
        "100.64.0.1",
        "name",
    ],
)
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "54.172.60.1", "2606:4700::1111"])
def test_outer_addresses_are_public(address: str) -> None:
    assert is_public(address)
