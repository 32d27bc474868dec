"""Who may be believed: our own server's topmost results, aligned DMARC, one From."""

from __future__ import annotations

import pytest

from channels.mail.reader import read_mail
from channels.mail.site import Site

SITE = Site(authserv_ids=frozenset({"mx.clinic.example"}))
FROM = "From: Amy <amy@example.org>\r\n"
PASS = "Authentication-Results: mx.clinic.example; spf=pass smtp.mailfrom=x.example; dmarc=pass (p=none) header.from=example.org\r\n"


def trust(head: str, site: Site = SITE) -> tuple[bool, str]:
    mail = read_mail((head + "Subject: hi\r\n\r\nhello\r\n").encode(), site=site)
    return mail.trusted, mail.trust_detail


def test_an_aligned_pass_from_our_own_server_is_trusted() -> None:
    assert trust(PASS + FROM) == (True, "dmarc_pass")


def test_the_from_domain_is_compared_without_regard_to_case() -> None:
    assert trust(PASS.replace("example.org", "Example.ORG") + FROM)[0]


@pytest.mark.parametrize(
    ("head", "detail"),
    [
        (FROM, "no_result"),
        (PASS.replace("mx.clinic.example", "mx.evil.example") + FROM, "no_result"),
        (PASS.replace("header.from=example.org", "header.from=evil.example") + FROM, "dmarc_not_aligned"),
        (PASS.replace("header.from=example.org", "") + FROM, "dmarc_not_aligned"),
        (PASS.replace("dmarc=pass", "dmarc=fail") + FROM, "dmarc_not_passed"),
        (PASS.replace("dmarc=pass", "dmarc=none") + FROM, "dmarc_not_passed"),
        (
            "Authentication-Results: mx.clinic.example; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org\r\n" + FROM,
            "no_dmarc",
        ),
        (PASS + FROM + "From: Ben <ben@example.org>\r\n", "several_from"),
        (PASS + "From: amy@example.org, ben@example.org\r\n", "several_from"),
        (PASS, "no_from"),
        ("Authentication-Results: mx.evil.example; none\r\n" + FROM + PASS, "no_result"),
        ("Authentication-Results: mx.clinic.example; dmarc=fail header.from=example.org\r\n" + PASS + FROM, "dmarc_not_passed"),
        ("Authentication-Results: mx.clinic.example; spf=pass\r\nReceived: from evil.example\r\n" + PASS + FROM, "no_dmarc"),
        ('Authentication-Results: mx.clinic.example; spf=fail smtp.helo="a; dmarc=pass header.from=example.org"\r\n' + FROM, "no_dmarc"),
        ("Authentication-Results: mx.clinic.example (; dmarc=pass header.from=example.org); spf=none\r\n" + FROM, "no_dmarc"),
        ("X-Authentication-Results: mx.clinic.example; dmarc=pass header.from=example.org\r\n" + FROM, "no_result"),
    ],
)
def test_everything_less_is_not_trusted(head: str, detail: str) -> None:
    assert trust(head) == (False, detail)


def test_without_a_configured_server_nothing_is_trusted() -> None:
    assert trust(PASS + FROM, Site()) == (False, "no_result")
