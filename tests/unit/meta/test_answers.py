"""What Meta's answers mean: every documented code, by channels.md §6.2 and §7."""

from __future__ import annotations

import pytest

from channels.meta import answers
from channels.meta.tables import STATUS
from hub.model.message import DeliveryStatus, ProviderResponse, SendCode, SendResult
from hub.model.sealed import Sealed

C = SendCode
MESSAGE = (131008, 131009, 131051, 131052, 131053)
TEMPLATE = (132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016)
WHATSAPP = {
    C.THROTTLED: (1, 2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133016),
    C.RECIPIENT_STOPPED: (131050,),
    C.REJECTED: (
        100,
        470,
        131047,
        131026,
        131030,
        131021,
        131049,
        130472,
        131048,
        131064,
        *MESSAGE,
        *TEMPLATE,
        131062,
        131063,
        130497,
        137000,
        999999,
    ),
    C.ACCOUNT_INVALID: (0, 190, 3, 10, 200, 250, 299, 368, 131031, 131037, 131042),
}
MESSAGING = {
    C.REJECTED: ((10, 2018278), (10, 2534022), (4, 2018354), (100, 2534001), (10, 2018276), (100, 1), (100, 0), (999, 0)),
    C.RECIPIENT_STOPPED: ((551, 0), (551, 1545041)),
    C.ADDRESS_INVALID: ((100, 2018001), (2534014, 0)),
    C.THROTTLED: ((1, 0), (2, 0), (2, 1545133), (4, 0), (17, 0), (32, 0), (341, 0), (613, 0)),
    C.ACCOUNT_INVALID: ((190, 460), (10, 0), (10, 7), (200, 0), (230, 0), (299, 0), (368, 0)),
}


def error(code: int, subcode: int = 0, status: int = 400, wait: float | None = None) -> ProviderResponse:
    told = {"error": {"message": "words", "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "A"}}
    return ProviderResponse(status=status, body=Sealed(told), retry_after_s=wait)


@pytest.mark.parametrize(("expected", "code"), [(c, code) for c, codes in WHATSAPP.items() for code in codes])
def test_every_documented_code_of_whatsapp_has_its_class(expected: SendCode, code: int) -> None:
    assert answers.whatsapp(error(code)) == SendResult(code=expected, error_code=str(code))


@pytest.mark.parametrize(("expected", "code", "subcode"), [(c, *pair) for c, pairs in MESSAGING.items() for pair in pairs])
def test_every_documented_code_of_messenger_and_instagram_has_its_class(expected: SendCode, code: int, subcode: int) -> None:
    told = f"{code}/{subcode}" if subcode else str(code)
    assert answers.messaging(error(code, subcode)) == SendResult(code=expected, error_code=told)


def test_an_accepted_send_names_its_message() -> None:
    body = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.OUT1", "message_status": "held_for_quality_assessment"}]}
    accepted = answers.whatsapp(ProviderResponse(status=200, body=Sealed(body)))
    assert accepted == SendResult(code=C.ACCEPTED, provider_message_id="wamid.OUT1")
    direct = answers.messaging(ProviderResponse(status=200, body=Sealed({"recipient_id": "P", "message_id": "m_out1"})))
    assert direct == SendResult(code=C.ACCEPTED, provider_message_id="m_out1")


@pytest.mark.parametrize(
    "body", [{}, {"messages": []}, {"messages": [7]}, {"messages": [{"id": ""}]}, {"messages": [{"id": "a b"}]}, {"messages": {}}]
)
def test_a_success_that_names_no_message_is_an_unknown_outcome(body: dict[str, object]) -> None:
    response = ProviderResponse(status=200, body=Sealed(body))
    assert answers.whatsapp(response).code is C.OUTCOME_UNKNOWN
    assert answers.messaging(response).code is C.OUTCOME_UNKNOWN


@pytest.mark.parametrize("code", [1, 2, 131050, 190])
def test_a_server_error_is_an_unknown_outcome_whatever_it_says(code: int) -> None:
    assert answers.whatsapp(error(code, status=500)).code is C.OUTCOME_UNKNOWN
    assert answers.messaging(error(code, status=503)).code is C.OUTCOME_UNKNOWN


def test_a_throttle_keeps_the_wait_it_was_told() -> None:
    assert answers.whatsapp(error(130429, status=429, wait=3.0)).retry_after_s == 3.0
    assert answers.whatsapp(error(131026, wait=3.0)).retry_after_s is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, C.ACCOUNT_INVALID),
        (403, C.ACCOUNT_INVALID),
        (404, C.ACCOUNT_INVALID),
        (408, C.OUTCOME_UNKNOWN),
        (429, C.THROTTLED),
        (400, C.REJECTED),
    ],
)
def test_without_a_code_the_http_status_speaks(status: int, expected: SendCode) -> None:
    assert answers.messaging(ProviderResponse(status=status, body=Sealed({}))).code is expected


@pytest.mark.parametrize("error_of", [None, [], "x", {"code": "190"}, {"code": True}, {"code": -1}, {"code": 10**30}])
def test_an_odd_error_is_judged_by_its_http_status(error_of: object) -> None:
    result = answers.whatsapp(ProviderResponse(status=400, body=Sealed({"error": error_of})))
    assert result == SendResult(code=C.REJECTED, error_code="400")


def test_every_documented_status_is_mapped() -> None:
    assert {"sent", "delivered", "read", "played", "failed"} <= STATUS.keys()
    assert STATUS["played"] is DeliveryStatus.READ
