"""WeChat's signatures and envelopes: the vectors of channels.md §12, and what must not be let in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from channels.errors import BadPayload, BadSignature
from channels.sandbox import wechat_payloads
from channels.wechat.crypto import opened, sealed, signature
from channels.wechat_official import ADAPTER
from hub.model.message import Account, InboundMessage, RawRequest
from hub.model.sealed import Sealed
from tests.contract.samples import NOW, SAMPLES, WECHAT_ACCOUNT, WECHAT_BODY

VECTOR = (
    "V3jBrB6TQCwdHPLg7zbeJ9gIsFShyeTLiVYdAdMbI4UdV6gXhQrgaDce85w6k7VKzbR75b7GjRsXvzT5k6jZNx12ATAZ+CZ45k3Jh2UGfe/MFEZNUlwY1ukdSpgvMUXfL4wBz"
    "gc8cOj+NvBuy/TeQJgcpMqm/bLP8Kt8SQD78G26wHpHu2NL9MJAKvmfanceI9444As185pb3DAZsbecKKHfH1YuoY77mXbYSDQTmUWvfWBJMu6yXSAyW3wPkqV5+1XL/fsHaL+t"
    "kfIYfqYFyob2uopmqLrz99paCYSeTQ9C60iENpFDRsXzYPb+rIV4sV0zOI35MwNadVr40eJkq4PF4ZLOmjmojHymVcJlMXNbOP4/S07UKISnUxwW7NsbQ5Kk16zdTVuK/2pwE+p2"
    "65NhtdW2aB3EDr/RAqeS8SU="
)
AT = datetime.fromtimestamp(1_760_000_000, UTC)
SAMPLE = SAMPLES["wechat_official"]


def vector(**changes: str) -> RawRequest:
    query = {
        "signature": "c85ffbd2696e36d200d15f28a83791557465ffd1",
        "timestamp": "1760000000",
        "nonce": "nonce123",
        "openid": "oSOMEBODYELSE",
        "encrypt_type": "aes",
        "msg_signature": "34a5bd7d520f1bc4d8644ef77c0116ece872012b",
    } | changes
    body = f"<xml><ToUserName><![CDATA[gh_clinic]]></ToUserName><Encrypt><![CDATA[{VECTOR}]]></Encrypt></xml>".encode()
    path = "/webhooks/wechat?" + urlencode(query)
    return RawRequest(method="POST", path_and_query=path, headers={"content-type": "text/xml"}, body=body, received_at=AT)


def test_the_vectors_of_the_fact_sheet() -> None:
    assert signature("hubtoken", "1760000000", "nonce123") == "c85ffbd2696e36d200d15f28a83791557465ffd1"
    assert signature("hubtoken", "1760000000", "nonce123", VECTOR) == "34a5bd7d520f1bc4d8644ef77c0116ece872012b"
    assert opened(VECTOR.encode(), WECHAT_ACCOUNT) == WECHAT_BODY
    ADAPTER.verify(vector(), WECHAT_ACCOUNT, AT)
    [event] = ADAPTER.parse(vector(), WECHAT_ACCOUNT)
    assert isinstance(event, InboundMessage)
    assert event.text.reveal() == "你好"
    assert event.senders[0].value.reveal() == "wechat:oUSER000000000000000000000001"  # never the openid of the query


def test_ten_minutes_are_fresh_and_a_second_more_is_not() -> None:
    for seconds in (-600, 600):
        ADAPTER.verify(vector(), WECHAT_ACCOUNT, AT + timedelta(seconds=seconds))
    for seconds in (-601, 601):
        with pytest.raises(BadSignature):
            ADAPTER.verify(vector(), WECHAT_ACCOUNT, AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1e9", "9" * 20, "١٧٦٠٠٠٠٠٠٠"])
def test_an_odd_time_is_refused(stamp: str) -> None:
    signed = signature("hubtoken", stamp, "nonce123", VECTOR)
    with pytest.raises(BadSignature):
        ADAPTER.verify(vector(timestamp=stamp, msg_signature=signed), WECHAT_ACCOUNT, AT)


def test_every_flipped_byte_is_refused_or_is_the_same_message() -> None:
    genuine = vector()
    [event] = ADAPTER.parse(genuine, WECHAT_ACCOUNT)
    refusals = 0
    for at in range(len(genuine.body)):
        changed = bytearray(genuine.body)
        changed[at] ^= 1
        request = replace(genuine, body=bytes(changed))
        try:
            ADAPTER.verify(request, WECHAT_ACCOUNT, AT)
        except BadSignature:
            refusals += 1
            continue
        assert ADAPTER.parse(request, WECHAT_ACCOUNT) == [event]  # the byte stood outside what is signed and read
    assert refusals >= len(VECTOR)


def rotated(**secrets: str) -> Account:
    return replace(WECHAT_ACCOUNT, secrets={**WECHAT_ACCOUNT.secrets, **{name: Sealed(value) for name, value in secrets.items()}})


def test_the_key_and_the_token_before_still_open_while_they_are_changed() -> None:
    old = WECHAT_ACCOUNT.secrets
    account = rotated(aes_key="Z" * 43, aes_key_previous=old["aes_key"].reveal(), token="new", token_previous=old["token"].reveal())
    ADAPTER.verify(vector(), account, AT)
    assert len(ADAPTER.parse(vector(), account)) == 1
    assert opened(sealed("<xml/>", account).encode(), rotated(aes_key="Z" * 43)) == b"<xml/>"  # ours go under the new one


@pytest.mark.parametrize("key", ["", "short", "é" * 43, "Z" * 43])
def test_a_key_that_does_not_fit_opens_nothing(key: str) -> None:
    with pytest.raises(BadPayload):
        ADAPTER.parse(vector(), rotated(aes_key=key))


def test_an_envelope_for_another_app_is_not_opened() -> None:
    assert opened(VECTOR.encode(), replace(WECHAT_ACCOUNT, options={"app_id": "wx0000000000000002"})) is None
    assert opened(VECTOR.encode(), replace(WECHAT_ACCOUNT, options={})) is None


def test_wechatpy_opens_what_we_seal() -> None:
    text = "<xml><a>陈 😀</a></xml>"
    crypto = wechat_payloads.crypto_of(WECHAT_ACCOUNT)
    content = sealed(text, WECHAT_ACCOUNT)
    envelope = {"Encrypt": content}
    assert crypto.decrypt_message(envelope, signature("hubtoken", "1", "n", content), "1", "n") == text


def handshake(query: dict[str, str]) -> RawRequest:
    return RawRequest(method="GET", path_and_query="/webhooks/wechat?" + urlencode(query), headers={}, body=b"", received_at=AT)


def test_a_handshake_is_answered_with_its_own_word() -> None:
    query = {"timestamp": "1760000000", "nonce": "nonce123", "echostr": "4823847923"}
    request = handshake(query | {"signature": "c85ffbd2696e36d200d15f28a83791557465ffd1"})
    ADAPTER.verify(request, WECHAT_ACCOUNT, AT)
    assert ADAPTER.parse(request, WECHAT_ACCOUNT) == []
    assert ADAPTER.handshake
    assert ADAPTER.handshake(request, WECHAT_ACCOUNT).body == b"4823847923"


def test_a_sealed_handshake_is_opened_and_answered() -> None:
    echo = sealed("4823847923", WECHAT_ACCOUNT)
    signed = signature("hubtoken", "1760000000", "nonce123", echo)
    request = handshake({"timestamp": "1760000000", "nonce": "nonce123", "echostr": echo, "msg_signature": signed})
    ADAPTER.verify(request, WECHAT_ACCOUNT, AT)
    assert ADAPTER.parse(request, WECHAT_ACCOUNT) == []
    assert ADAPTER.handshake
    assert ADAPTER.handshake(request, WECHAT_ACCOUNT).body == b"4823847923"


@pytest.mark.parametrize("echo", ["", "<script>alert(1)</script>", "a b", "x" * 600])
def test_a_handshake_echoes_nothing_that_is_no_word(echo: str) -> None:
    query = {"timestamp": "1760000000", "nonce": "nonce123", "echostr": echo, "signature": "c85ffbd2696e36d200d15f28a83791557465ffd1"}
    with pytest.raises(BadSignature):
        ADAPTER.verify(handshake(query), WECHAT_ACCOUNT, AT)


def test_plain_bodies_only_where_the_account_says_so_and_each_name_is_one_bodys() -> None:
    push = wechat_payloads.plain(WECHAT_ACCOUNT, WECHAT_BODY.decode(), at=NOW)
    request = replace(SAMPLE.request(), path_and_query=f"/webhooks/wechat?{push.query}", body=push.body)
    with pytest.raises(BadSignature):
        ADAPTER.verify(request, WECHAT_ACCOUNT, NOW)
    with pytest.raises(BadPayload):
        ADAPTER.parse(request, WECHAT_ACCOUNT)
    account = replace(WECHAT_ACCOUNT, options={**WECHAT_ACCOUNT.options, "plain_mode": True})
    ADAPTER.verify(request, account, NOW)
    assert len(ADAPTER.parse(request, account)) == 1
    assert ADAPTER.nonce
    assert ADAPTER.nonce(request)
    assert ADAPTER.nonce(SAMPLE.request()) == ""
