"""Meta's signatures and set-up handshake, by the vectors of channels.md §12."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from channels.errors import BadSignature
from channels.meta.signature import appsecret_proof, reply, verify
from channels.registry import ADAPTERS
from hub.model.message import Account, Outcome, RawRequest
from hub.model.sealed import Sealed
from tests.contract.samples import NOW, SAMPLES, raw

ACCOUNT = SAMPLES["whatsapp_meta"].account
META = ("whatsapp_meta", "messenger_meta", "instagram_meta")
EMPTY = b'{"object":"whatsapp_business_account","entry":[]}'
ESCAPED = rb'{"t":"caf\u00e9"}'
PLAIN = '{"t":"café"}'.encode()
DIGESTS = {
    EMPTY: "de164c67d2a341e9940d711749e8aa32f8710f66967d78c87f75800e2feaa4aa",
    ESCAPED: "7b9d74722ac745ffcd1ffb55d909f67d23a51f844adc467749a629091cafdb9c",
    PLAIN: "111f677838ee0599b970ba55dd2dcda3af8372925dc0e0cb70bea396163afb3d",
}
ASKED = {"hub.mode": "subscribe", "hub.verify_token": "verify-token-0001", "hub.challenge": "1158201444"}


def signed(body: bytes, digest: str) -> RawRequest:
    return raw("/webhooks/x", body, {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"})


def asked(query: Mapping[str, str]) -> RawRequest:
    return RawRequest(method="GET", path_and_query=f"/webhooks/x?{urlencode(query)}", headers={}, body=b"", received_at=NOW)


def refused(request: RawRequest, account: Account = ACCOUNT) -> bool:
    try:
        verify(request, account, NOW)
    except BadSignature:
        return True
    return False


@pytest.mark.parametrize(("body", "digest"), DIGESTS.items())
def test_the_published_vectors_are_let_in(body: bytes, digest: str) -> None:
    assert not refused(signed(body, digest))


def test_the_same_text_written_otherwise_is_another_body() -> None:
    assert refused(signed(PLAIN, DIGESTS[ESCAPED]))
    assert refused(signed(ESCAPED, DIGESTS[PLAIN]))


def test_the_proof_of_a_token_is_the_published_one() -> None:
    assert appsecret_proof("EAATOKEN", "app-secret-0001") == "eaafe2523b8dbb806182d93242f363b3ef734e7cdaf41352c07a229b8d16e8f0"


@pytest.mark.parametrize("name", ["app_secret", "app_secret_secondary", "instagram_app_secret"])
def test_any_configured_app_secret_may_have_signed(name: str) -> None:
    account = replace(ACCOUNT, secrets={"app_secret": Sealed("another"), name: Sealed("app-secret-0001")})
    assert not refused(signed(EMPTY, DIGESTS[EMPTY]), account)


def test_a_secret_of_another_purpose_signs_nothing() -> None:
    account = replace(ACCOUNT, secrets={"access_token": Sealed("app-secret-0001"), "verify_token": Sealed("app-secret-0001")})
    assert refused(signed(EMPTY, DIGESTS[EMPTY]), account)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
def test_a_signed_body_under_another_method_is_refused(method: str) -> None:
    assert refused(replace(signed(EMPTY, DIGESTS[EMPTY]), method=method))


def test_the_older_sha1_header_opens_nothing() -> None:
    request = raw("/webhooks/x", EMPTY, {"content-type": "application/json", "x-hub-signature": "sha1=" + "0" * 40})
    assert refused(request)


@pytest.mark.parametrize("kind", META)
def test_a_genuine_handshake_gets_its_challenge_back_as_plain_text(kind: str) -> None:
    adapter, account = ADAPTERS[kind], SAMPLES[kind].account
    request = asked(ASKED)
    adapter.verify(request, account, NOW)
    assert adapter.parse(request, account) == []
    answer = adapter.reply(request, Outcome.HANDSHAKE)
    assert (answer.status, answer.content_type, answer.body) == (200, "text/plain", b"1158201444")


@pytest.mark.parametrize(
    "change",
    [
        {"hub.verify_token": "verify-token-0002"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "vérify"},
        {"hub.mode": "unsubscribe"},
        {"hub.challenge": ""},
        {"hub.challenge": "<script>alert(1)</script>"},
        {"hub.challenge": "1" * 201},
    ],
)
def test_any_other_handshake_is_refused(change: dict[str, str]) -> None:
    assert refused(asked(ASKED | change))


def test_a_handshake_with_an_account_without_a_token_is_refused() -> None:
    for secrets in ({}, {"verify_token": Sealed("")}):
        assert refused(asked(ASKED | {"hub.verify_token": ""}), replace(ACCOUNT, secrets=secrets))


def test_a_delivery_is_answered_without_a_word() -> None:
    answer = reply(signed(EMPTY, DIGESTS[EMPTY]), Outcome.STORED)
    assert (answer.status, answer.body) == (200, b"")
