"""An account that could not send says so when the hub starts, by name and without a secret's value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from channels.mail.faults import faults
from channels.registry import ADAPTERS
from hub.model.message import Account
from hub.model.sealed import Sealed
from tests.integration.mail_out.letters import account


def real(secrets: dict[str, str] | None = None, **options: str | int | float | bool) -> Account:
    """An account of a clinic, not of the sandbox."""
    own = account()
    given: dict[str, str | int | float | bool] = {"smtp_host": "smtp.clinic.example", "sender_name": "Harbour Clinic", **options}
    return replace(own, options=given, secrets={**own.secrets, **{n: Sealed(v) for n, v in (secrets or {}).items()}})


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def good_key() -> str:
    return pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.mark.parametrize(
    ("secrets", "options", "word"),
    [
        ({}, {"smtp_security": "none"}, "smtp_security"),
        ({}, {"smtp_security": "ssl"}, "smtp_security"),
        ({}, {"smtp_port": 0}, "smtp_port"),
        ({}, {"smtp_port": True}, "smtp_port"),
        ({}, {"smtp_port": "submission"}, "smtp_port"),
        ({}, {"smtp_connections": 0}, "smtp_connections"),
        ({}, {"smtp_prot": 587}, "smtp_prot"),
        ({}, {"html": "no"}, "html"),
        ({}, {"smtp_user": "hub"}, "smtp_user"),
        ({"smtp_password": "sesame"}, {}, "smtp_user"),
        ({}, {"smtp_host": "", "smtp_port": 587}, "no smtp_host"),
        ({}, {"smtp_ca_file": "/nowhere/ca.pem"}, "smtp_ca_file"),
        ({}, {"dkim_selector": "hub"}, "dkim_key"),
        ({"dkim_key": "sesame"}, {}, "2048"),
        ({"dkim_key": pem(ec.generate_private_key(ec.SECP256R1()))}, {}, "2048"),
    ],
)
def test_what_cannot_work_is_named(secrets: dict[str, str], options: dict[str, str | int | bool], word: str) -> None:
    [sentence] = faults(real(secrets, **options))
    assert word in sentence
    assert "sesame" not in sentence


def test_an_account_that_works_has_no_faults(good_key: str, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert faults(real()) == []
    assert faults(account(2525)) == []
    assert faults(replace(account(), options={"html": False})) == []
    whole = real({"smtp_password": "p", "dkim_key": good_key}, smtp_user="hub", smtp_ca_file=str(bundle), dkim_selector="s1", smtp_port=465)
    assert faults(whole) == []
    assert ADAPTERS["email"].faults is faults


def test_a_selector_that_is_no_name_is_named(good_key: str) -> None:
    [sentence] = faults(real({"dkim_key": good_key}, dkim_selector="no spaces here"))
    assert "dkim_selector" in sentence
