"""Over TLS to a real server with a certificate of its own: trusted only where the account says so, and only by its name."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from channels.errors import NotSent
from channels.mail import outgoing
from channels.mail.transport import open_transport
from hub.model.message import SendCode, SendResult
from tests.integration.mail_out.letters import account, message


def certificate(folder: Path, *, names: x509.GeneralName) -> tuple[Path, ssl.SSLContext]:
    """A server's own certificate, as a file to trust, and the server's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return public, context


class Keeper:
    """Keeps what it takes, and whether it came over TLS and from whom."""

    def __init__(self) -> None:
        self.taken: list[tuple[bool, object]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        encrypted = server.transport is not None and server.transport.get_extra_info("ssl_object") is not None
        self.taken.append((encrypted, session.auth_data))
        return "250 2.0.0 OK"


def admit(_server: object, _session: object, _envelope: object, _mechanism: str, given: object) -> AuthResult:
    assert isinstance(given, LoginPassword)
    return AuthResult(success=given.password == b"open sesame", handled=False, auth_data=given.login)


@asynccontextmanager
async def server(context: ssl.SSLContext, *, at_once: bool) -> AsyncIterator[tuple[int, Keeper]]:
    """at_once: TLS from the first byte; else after STARTTLS, without which it takes nothing."""
    keeper = Keeper()

    def connection() -> SMTP:
        if at_once:
            return SMTP(keeper, hostname="mail.example", authenticator=admit, auth_require_tls=False)
        return SMTP(keeper, hostname="mail.example", tls_context=context, require_starttls=True, authenticator=admit, auth_required=True)

    listening = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0, ssl=context if at_once else None)
    try:
        yield listening.sockets[0].getsockname()[1], keeper
    finally:
        listening.close()


async def handed_over(port: int, *, security: str, ca: Path | None, password: str = "open sesame") -> SendResult:  # noqa: S107
    more = {"smtp_ca_file": str(ca)} if ca else {}
    own = account(port, smtp_security=security, smtp_user="hub", secrets={"smtp_password": password}, **more)
    async with open_transport(own) as transport:
        return outgoing.interpret(await transport.send(outgoing.render(message(), own)))


HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
both = pytest.mark.parametrize("security", ["starttls", "tls"])


@both
async def test_mail_and_sign_in_travel_over_tls(security: str, tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path, names=HERE)
    async with server(context, at_once=security == "tls") as (port, keeper):
        assert (await handed_over(port, security=security, ca=trusted)).code is SendCode.ACCEPTED
        assert keeper.taken == [(True, b"hub")]


@both
async def test_a_certificate_nobody_vouches_for_or_of_another_name_gets_no_mail(security: str, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    _, context = certificate(tmp_path, names=HERE)
    other, wrong_name = certificate(tmp_path / "b", names=x509.DNSName("elsewhere.example"))
    for serving, trusted in ((context, None), (wrong_name, other)):
        async with server(serving, at_once=security == "tls") as (port, keeper):
            with pytest.raises(NotSent):
                await handed_over(port, security=security, ca=trusted)
            assert keeper.taken == []


async def test_a_wrong_password_rests_the_account(tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path, names=HERE)
    async with server(context, at_once=False) as (port, keeper):
        assert (await handed_over(port, security="starttls", ca=trusted, password="guess")).code is SendCode.ACCOUNT_INVALID
        assert keeper.taken == []
