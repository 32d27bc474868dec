"""What leaves by mail, and what a mail server's answers mean (channels.md §2.3). Pure: `transport` does the talking.

A message that names no mail details is refused: without a conversation there is no address to answer to.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

from channels.errors import CannotExpress
from channels.mail import letter, phrases
from channels.mail.account import instance_of, signed_domain, token_keys
from channels.mail.build import CompiledMail, Delivery, Layout, Unsubscribe, header_address, outbound_message_id
from channels.mail.dkim import DkimSigner
from channels.mail.tokens import Purpose, short_id, sign_address, sign_unsubscribe
from channels.mail.values import Permanence
from hub.model.address import AddressClass
from hub.model.message import Account, OutboundMail, OutboundMessage, ProviderRequest, ProviderResponse, SendCode, SendResult
from hub.model.sealed import Sealed

SEND: Final = "mail.send"
MAX_TEXT: Final = 100_000  # characters
DKIM_KEY: Final = "dkim_key"
GREYLISTED_S: Final = 300.0  # most greylists let the same mail in after five minutes
FULL_S: Final = 3600.0
# Our own entry is refused, whoever the mail is for: RFC 4954 §6, RFC 3207 §4.
_ENTRY: Final = frozenset({432, 454, 530, 534, 535, 538})
_TOO_BIG: Final = frozenset({"5.3.4", "5.2.3"})


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """The envelope and the whole mail. Raises CannotExpress: "no_server", "no_mail", "not_an_address", "no_files",
    "no_templates", "too_long", "empty", "address"."""
    mail, text = message.mail, message.text.reveal()
    if not account.options.get("smtp_host"):
        raise CannotExpress(account.id, "no_server")
    if mail is None:
        raise CannotExpress(account.id, "no_mail")
    if message.to.kind is not AddressClass.EMAIL:
        raise CannotExpress(account.id, "not_an_address")
    if message.media_urls or message.template_id:
        raise CannotExpress(account.id, "no_files" if message.media_urls else "no_templates")
    if not text.strip() or len(text) > MAX_TEXT:
        raise CannotExpress(account.id, "too_long" if text.strip() else "empty")
    domain = signed_domain(account)
    message_id = outbound_message_id(message.id, domain)
    try:
        whole = _compiled_for(account, mail, text).fill(_delivery(message, mail, account, message_id))
        recipient = header_address(message.to.value.reveal())
        sender = "" if mail.automatic else sign_address(Purpose.BOUNCE, short_id(message.id), domain, token_keys(account))
    except ValueError:
        raise CannotExpress(account.id, "address") from None
    signer = signer_of(account)
    signed = signer.sign(whole, mail.written_at) if signer else whole
    return ProviderRequest(
        operation=SEND,
        fields=Sealed({"sender": sender, "recipient": recipient, "mail": signed, "message_id": message_id}),
    )


def unsubscribe_of(mail: OutboundMail, account: Account) -> Unsubscribe | None:
    """The ways out of the list a marketing mail carries; None for a mail that is none."""
    if mail.leaves_list is None:
        return None
    token = sign_unsubscribe(str(mail.leaves_list), mail.list_name, token_keys(account))
    stop = str(account.options.get("stop_addresses", "")).partition(",")[0].strip() or f"stop@{signed_domain(account)}"
    return Unsubscribe(url=f"{account.public_url}/u/{token}", mailto=stop, token=token)


def signer_of(account: Account) -> DkimSigner | None:
    """Who signs the account's mail; None where it has no key. Raises ValueError for a key that is none."""
    pem = account.secrets.get(DKIM_KEY)
    if pem is None:
        return None
    domain = str(account.options.get("dkim_domain", "")) or account.sender.rpartition("@")[2].lower()
    return _signer(domain, str(account.options.get("dkim_selector", "hub")), pem.reveal())


def security(account: Account) -> str:
    """ "tls" from the first byte, "starttls", or "none" on the way to a loopback server of the sandbox. Raises ValueError."""
    wanted = str(account.options.get("smtp_security", "starttls"))
    if wanted == "none" and account.options.get("sandbox") is True and _loopback(str(account.options.get("smtp_host", ""))):
        return wanted
    if wanted not in ("tls", "starttls"):
        raise ValueError(f"the account {account.id} may not send mail in clear")
    return wanted


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=8)
def _signer(domain: str, selector: str, pem: str) -> DkimSigner:
    return DkimSigner.load(domain=domain, selector=selector, pem=Sealed(pem.encode()))


def _delivery(message: OutboundMessage, mail: OutboundMail, account: Account, message_id: str) -> Delivery:
    unsubscribe = unsubscribe_of(mail, account)
    return Delivery(
        to=message.to.value,
        message_id=message_id,
        date=mail.written_at,
        reply_to=sign_address(Purpose.REPLY, short_id(mail.conversation_id), signed_domain(account), token_keys(account)),
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        unsubscribe=unsubscribe,
        values={"unsubscribe_url": Sealed(unsubscribe.url)} if unsubscribe else {},
        automatic=mail.automatic,
    )


def _compiled_for(account: Account, mail: OutboundMail, text: str) -> CompiledMail:
    """The mail taken apart. Only news are kept for the next person: what is said to one person is not."""
    language = "zh" if letter_is_chinese(text) else "en"
    who = (account.sender, str(account.options.get("sender_name", "")), str(account.options.get("identity", "")), instance_of(account))
    rich = account.options.get("html") is not False
    if mail.leaves_list is None:
        return _compile(who, mail.subject.reveal(), text, language, rich, marketing=False)
    return _compile_news(who, mail.subject.reveal(), text, language, rich)


@lru_cache(maxsize=256)
def _compile_news(who: tuple[str, str, str, str], subject: str, text: str, language: str, rich: bool) -> CompiledMail:
    return _compile(who, subject, text, language, rich, marketing=True)


def _compile(who: tuple[str, str, str, str], subject: str, text: str, language: str, rich: bool, *, marketing: bool) -> CompiledMail:
    sender, name, identity, instance = who
    both = letter.letter(text, letter.footer(identity, marketing=marketing, language=language), language=language)
    return CompiledMail(
        Layout(
            sender_name=name,
            sender=sender,
            subject=Sealed(subject),
            text=Sealed(both.text),
            html=Sealed(both.html) if rich else None,
            slots=frozenset({"unsubscribe_url"}) if marketing else frozenset(),
            instance=instance,
        )
    )


def letter_is_chinese(text: str) -> bool:
    """Whether a text is written in Han characters: its footer speaks as it does."""
    if text.isascii():
        return False
    han = sum("\u4e00" <= c <= "\u9fff" for c in text[:500])
    return han > 10 or han * 3 > len(text[:500].strip()) > 0


def interpret(response: ProviderResponse) -> SendResult:
    """What a server's answer means. The stage it came at says whom it is about: us, the addressee, or the mail."""
    answer = response.body.reveal()
    stage, words = str(answer.get("stage", "")), str(answer.get("text", ""))
    if stage == "sent" and 200 <= response.status < 300:
        return SendResult(code=SendCode.ACCEPTED, provider_message_id=str(answer.get("message_id")))
    codes = phrases.enhanced_codes(words)
    code = codes[0] if codes else str(response.status)
    if stage == "auth" or response.status in _ENTRY:
        return SendResult(code=SendCode.ACCOUNT_INVALID, error_code=code)
    if stage == "size" or _TOO_BIG & set(codes):
        return SendResult(code=SendCode.REJECTED, error_code="too_big")
    if 400 <= response.status < 500:
        return _not_now(response.status, words, code, stage)
    if not 500 <= response.status < 600:
        return SendResult(code=SendCode.OUTCOME_UNKNOWN if stage == "body" else SendCode.NOT_SENT, error_code=code)
    if stage == "mail":
        return SendResult(code=SendCode.ACCOUNT_INVALID, error_code=code)  # our own sender is refused
    verdict = phrases.judge(action="failed", status=codes[0] if codes else "", diagnostic=f"{response.status} {words}")
    gone = verdict.permanence is Permanence.HARD and verdict.suppress
    return SendResult(code=SendCode.ADDRESS_INVALID if gone else SendCode.REJECTED, error_code=code)


def _not_now(status: int, words: str, code: str, stage: str) -> SendResult:
    """4xx: nothing was taken over, and the same mail may be taken later (RFC 5321 §4.2.1)."""
    if status == 421 or stage == "connect":
        return SendResult(code=SendCode.NOT_SENT, error_code=code)
    full = Permanence.FULL in phrases.meanings(words) or code == "4.2.2"
    return SendResult(code=SendCode.THROTTLED, error_code=code, retry_after_s=FULL_S if full else GREYLISTED_S)
