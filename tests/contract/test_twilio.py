"""Twilio's own vectors and tables (channels.md §3, §12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from channels.errors import BadSignature
from channels.sms_twilio import ADAPTER as SMS
from channels.twilio import tables
from hub.model.message import Account, DeliveryStatus, ProviderResponse, RawRequest, SendCode, StatusUpdate, Unknown
from hub.model.sealed import Sealed
from tests.contract.samples import ACCOUNT_SID, FORM_TYPE, NOW, SAMPLES, TOKEN, raw, sign_twilio

BODY = SAMPLES["sms_twilio"].body  # the fields of channels.md §12
PATH = "/in/twilio/sms"
JSON_PATH = PATH + "?bodySHA256=93a23971a914e5eacbf0a8d25154cda309c3c1c72fbb9914d47c60f3cb681588"
SETTINGS = "x-twilio-webhooks-signature-settings"
SHARED = {SETTINGS: "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}
ACCOUNT = SAMPLES["sms_twilio"].account
WITH_SHARED_KEY = replace(
    ACCOUNT,
    secrets={"auth_token": Sealed("another"), "shared_key": Sealed(TOKEN)},
    options={"account_sid": ACCOUNT_SID, "shared_key_id": "webhooks_sharedkey_1"},
)


def signed(
    signature: str, body: bytes = BODY, path: str = PATH, content_type: str = FORM_TYPE, headers: Mapping[str, str] | None = None
) -> RawRequest:
    return raw(path, body, {"content-type": content_type, "x-twilio-signature": signature, **(headers or {})})


def verify(request: RawRequest, account: Account = ACCOUNT) -> None:
    SMS.verify(request, account, NOW)


@pytest.mark.parametrize(
    ("signature", "body", "public_url"),
    [
        ("K5TM10Lh+a+7RQ7+zWKRwSuyXbA=", BODY, "https://hub.example.org"),
        ("FYSYZBo35j1wC1enlspGwp2GrhQ=", BODY, "https://hub.example.org"),
        ("FYSYZBo35j1wC1enlspGwp2GrhQ=", BODY, "https://hub.example.org:443"),
        ("lAhkk0WJKqIY6iIclD3ZJ3GibzQ=", b"A=2&A=1&A=1&b=x&B=y&Empty=", "https://hub.example.org"),
    ],
)
def test_the_published_vectors_are_let_in(signature: str, body: bytes, public_url: str) -> None:
    verify(signed(signature, body), replace(ACCOUNT, public_url=public_url))


def test_a_json_body_is_bound_by_its_hash_in_the_url() -> None:
    genuine = signed("zy5nu8TG4qkOfu2DK1UghoGz0fI=", b'{"hello":"world"}', JSON_PATH, "application/json")
    verify(genuine)
    [event] = SMS.parse(genuine, ACCOUNT)
    assert isinstance(event, Unknown)
    for changed in (replace(genuine, body=b'{"hello":"World"}'), replace(genuine, path_and_query=PATH), replace(genuine, body=b"\xff")):
        with pytest.raises(BadSignature):
            verify(changed)


def test_a_shared_key_signature_counts_only_for_the_configured_key() -> None:
    genuine = signed("1KXqwdCyWAS0Mf2oOKmxEEFBpYZBPXAQKDJVgA0BaMQ=", headers=SHARED)
    verify(genuine, WITH_SHARED_KEY)
    for account in (ACCOUNT, replace(WITH_SHARED_KEY, options={"shared_key_id": "another"}), replace(WITH_SHARED_KEY, options={})):
        with pytest.raises(BadSignature):
            verify(genuine, account)


@pytest.mark.parametrize(
    "named", ["key=webhooks_sharedkey_1", "key=webhooks_sharedkey_1,algorithm=HMAC_SHA1", "algorithm=HMAC_SHA256", "", "key="]
)
def test_a_header_alone_never_picks_a_weaker_key_or_algorithm(named: str) -> None:
    by_token = sign_twilio(BODY, "/webhooks/sms")
    by_shared_key = signed("1KXqwdCyWAS0Mf2oOKmxEEFBpYZBPXAQKDJVgA0BaMQ=")
    for request, account in ((by_token, ACCOUNT), (by_token, WITH_SHARED_KEY), (by_shared_key, WITH_SHARED_KEY)):
        with pytest.raises(BadSignature):
            verify(replace(request, headers={**request.headers, SETTINGS: named}), account)


def test_both_tokens_are_good_while_they_are_changed_over() -> None:
    verify(sign_twilio(BODY, PATH, token=TOKEN))
    verify(sign_twilio(BODY, PATH, token="secondary-" + TOKEN))
    with pytest.raises(BadSignature):
        verify(sign_twilio(BODY, PATH, token="third-" + TOKEN))


def test_the_raw_path_is_signed_escapes_and_all() -> None:
    request = sign_twilio(BODY, "/webhooks/sms?note=a%20b")
    verify(request)
    for path in ("/webhooks/sms?note=a b", "/webhooks/sms?note=a+b", "/webhooks/sms", "/webhooks/whatsapp?note=a%20b"):
        with pytest.raises(BadSignature):
            verify(replace(request, path_and_query=path))


@pytest.mark.parametrize("path", ["*", "", "https://hub.example.org/in/twilio/sms", "//[", "/\udcff", "/x?bodySHA256=\udcff"])
def test_an_odd_request_target_is_refused(path: str) -> None:
    with pytest.raises(BadSignature):
        verify(replace(sign_twilio(BODY, PATH), path_and_query=path))


def test_only_posts_are_let_in() -> None:
    with pytest.raises(BadSignature):
        verify(replace(sign_twilio(BODY, PATH), method="GET"))


def test_a_form_of_too_many_fields_is_refused() -> None:
    body = b"&".join(b"a=%d" % n for n in range(1001))
    with pytest.raises(BadSignature):
        verify(sign_twilio(body, PATH))


DOCUMENTED_STATUSES = {
    "queued": DeliveryStatus.ACCEPTED,
    "accepted": DeliveryStatus.ACCEPTED,
    "scheduled": DeliveryStatus.ACCEPTED,
    "sending": DeliveryStatus.ACCEPTED,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "read": DeliveryStatus.READ,
    "canceled": DeliveryStatus.FAILED,
    "partially_delivered": DeliveryStatus.SENT,
}


@pytest.mark.parametrize(
    ("word", "status"), [*DOCUMENTED_STATUSES.items(), ("teleported", DeliveryStatus.UNKNOWN), ("", DeliveryStatus.UNKNOWN)]
)
def test_every_documented_status_is_mapped_and_others_are_unknown(word: str, status: DeliveryStatus) -> None:
    [event] = SMS.parse(sign_twilio(f"MessageSid=SM1&MessageStatus={word}".encode(), "/webhooks/sms/status/x"), ACCOUNT)
    assert isinstance(event, StatusUpdate)
    assert event.status is status


def test_the_sdk_knows_no_status_that_the_table_does_not() -> None:
    from twilio.rest.api.v2010.account.message import MessageInstance

    words = {value for name, value in vars(MessageInstance.Status).items() if name.isupper()}
    assert words - {"receiving", "received"} <= set(tables.STATUS)


# channels.md §3, "Error table": code -> who acts next, and what it says about the person or the address.
PERSON = {"21610", "30004", "63014"}
ADDRESS = {"21211", "21614", "21635", "30005", "30006"}
LATER = {"21611", "20429", "63017", "63018"}
OURS = {"20003"}
MESSAGE = (
    {"21612", "21408", "21617", "21623", "30001", "30003", "30007", "30008", "63003", "63024", "63016", "470"}
    | {"63013", "63021", "63027", "63032", "63049"}
)  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "result"),
    [
        (PERSON, SendCode.RECIPIENT_STOPPED),
        (ADDRESS, SendCode.ADDRESS_INVALID),
        (LATER, SendCode.THROTTLED),
        (OURS, SendCode.ACCOUNT_INVALID),
        (MESSAGE, SendCode.REJECTED),
        ({"99999", "12345"}, SendCode.REJECTED),
    ],
)
def test_every_documented_error_code_is_mapped(codes: set[str], result: SendCode) -> None:
    for code in codes:
        answer = SMS.interpret(ProviderResponse(status=400, body=Sealed({"code": int(code), "message": "words", "status": 400})))
        assert (answer.code, answer.error_code) == (result, code)
        [event] = SMS.parse(
            sign_twilio(urlencode({"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": code}).encode(), PATH), ACCOUNT
        )
        assert isinstance(event, StatusUpdate)
        assert (event.error_code, event.recipient_stopped, event.address_invalid) == (code, code in PERSON, code in ADDRESS)


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (201, {"sid": "SM1", "status": "queued"}, SendCode.ACCEPTED),
        (201, {}, SendCode.OUTCOME_UNKNOWN),
        (201, {"sid": "SM1", "status": "failed", "error_code": 21610}, SendCode.RECIPIENT_STOPPED),
        (302, {}, SendCode.OUTCOME_UNKNOWN),
        (400, {}, SendCode.REJECTED),
        (401, {}, SendCode.ACCOUNT_INVALID),
        (403, {}, SendCode.ACCOUNT_INVALID),
        (404, {"code": 20404}, SendCode.ACCOUNT_INVALID),
        (408, {}, SendCode.OUTCOME_UNKNOWN),
        (429, {}, SendCode.THROTTLED),
        (429, {"code": 20429}, SendCode.THROTTLED),
        (500, {}, SendCode.OUTCOME_UNKNOWN),
        (503, {"code": 20429}, SendCode.OUTCOME_UNKNOWN),
    ],
)
def test_answers_without_a_known_code_are_judged_by_their_status(status: int, body: dict[str, object], result: SendCode) -> None:
    assert SMS.interpret(ProviderResponse(status=status, body=Sealed(body))).code is result


def test_the_stated_wait_is_kept() -> None:
    answer = SMS.interpret(ProviderResponse(status=429, body=Sealed({"code": 20429}), retry_after_s=7.0))
    assert answer.retry_after_s == 7.0
