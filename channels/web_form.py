"""The website's contact form (channels.md §1): hosted page, plain HTML form, script, or the site's own back end.

Our own protocol, so both ends are ours. A submission is let in when two things hold: it comes from a listed site
(exact Origin, else the Referer's origin, else the back end's signature), and it carries the signed token of a form
that was really shown. Typed addresses prove nothing: they go into `form`, never into `senders`.

A site's back end signs `timestamp + "." + raw body` with `backend_key` and sends
`X-Form-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256>`.
"""

from __future__ import annotations

import hmac
import ipaddress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from channels import form_body
from channels.errors import BadPayload, BadSignature, CannotExpress
from channels.form_body import Fields
from channels.form_check import Checked, FormProblem, check
from channels.form_token import FormShown, read
from hub.model.address import Channel
from hub.model.message import (
    Account,
    Adapter,
    Capabilities,
    ChannelEvent,
    FormEnquiry,
    InboundMessage,
    OutboundMessage,
    Outcome,
    ProviderRequest,
    ProviderResponse,
    RawRequest,
    Reply,
    SendCode,
    SendResult,
)
from hub.model.sealed import Sealed

FASTEST_FILL = timedelta(seconds=2)  # people type slower than robots
OLDEST_FORM = timedelta(hours=24)
OLDEST_BACKEND_FORM = timedelta(days=30)  # a site may keep its page in a cache; its signature vouches for the rest
CLOCK_SKEW = timedelta(seconds=60)
BACKEND_WINDOW_S = 300
DEDUPE_S = 600
HONEYPOT = "website"
SIGNATURE_HEADER = "x-form-signature"

CAPABILITIES = Capabilities(
    outbound=False,
    attachments=False,
    templates=False,
    reply_window_h=None,
    max_text=10_000,
    read_receipts=False,
    provider_confirms_stop=False,
    max_body_bytes=256 * 1024,
)


class StaleForm(BadSignature):
    """The form's own token, from a listed site, but sent too soon or too late: show the form again, text kept."""


class FormFaults(BadPayload):
    """The submission has faults a person can mend."""

    def __init__(self, account_id: str, problems: tuple[FormProblem, ...]) -> None:
        super().__init__(account_id, "form")
        self.problems = problems


def allowed_origins(account: Account) -> frozenset[str]:
    """The sites a browser may post from: the option `allowed_origins` (comma list) and our own public address."""
    listed = str(account.options.get("allowed_origins", "")).split(",")
    return frozenset(o for o in (_origin(text.strip()) for text in (*listed, account.public_url)) if o)


def verify(request: RawRequest, account: Account, now: datetime) -> None:
    """Raise BadSignature unless a listed site or its back end sent this, with the token of a form we showed.

    Raises StaleForm, a BadSignature, where only the token's age is wrong.
    """
    try:
        signed = request.headers.get(SIGNATURE_HEADER)
        if signed is not None:
            _verify_backend(request, account, signed, now)
        else:
            _verify_origin(request, account)
        shown = read(form_body.read(request).one("form_token"), account.secrets["form_token_key"])
    except (ValueError, KeyError) as error:
        raise BadSignature(account.id) from error
    age = now - shown.issued_at
    youngest, oldest = (-CLOCK_SKEW, OLDEST_BACKEND_FORM) if signed is not None else (FASTEST_FILL, OLDEST_FORM)
    if not youngest <= age <= oldest:
        raise StaleForm(account.id)


def _verify_origin(request: RawRequest, account: Account) -> None:
    # Browsers send "null" when a page hides where it is; then, and without the header, the Referer decides.
    claimed = request.headers.get("origin", "")
    origin = claimed if claimed not in ("", "null") else _origin(request.headers.get("referer", ""))
    if origin not in allowed_origins(account):
        raise BadSignature(account.id)


def _verify_backend(request: RawRequest, account: Account, header: str, now: datetime) -> None:
    key = account.secrets.get("backend_key")
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    stamp, claimed = parts.get("t", ""), parts.get("v1", "")
    if key is None or not key.reveal() or not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 15:
        raise BadSignature(account.id)
    digest = hmac.new(key.reveal().encode(), stamp.encode() + b"." + request.body, "sha256").hexdigest()
    if not hmac.compare_digest(digest.encode(), claimed.encode("utf-8", "surrogateescape")):
        raise BadSignature(account.id)
    if abs(now.timestamp() - int(stamp)) > BACKEND_WINDOW_S:
        raise BadSignature(account.id)


def parse(request: RawRequest, account: Account) -> list[ChannelEvent]:
    """One InboundMessage; none for a robot that filled the honeypot, which is answered as for success.

    Raises FormFaults, a BadPayload, with a sentence per field; BadPayload for a body that is no form at all.
    """
    try:
        fields = form_body.read(request)
        shown = read(fields.one("form_token"), account.secrets["form_token_key"])
    except (ValueError, KeyError) as error:
        raise BadPayload(account.id, "form") from error
    if caught(fields):
        return []
    checked, problems = check(fields, shown, request.received_at.date())
    if checked is None:
        raise FormFaults(account.id, problems)
    return [_message(request, account, fields, shown, checked)]


def caught(fields: Fields) -> bool:
    """True when the field no person can see was filled."""
    return bool(fields.one(HONEYPOT))


def _message(request: RawRequest, account: Account, fields: Fields, shown: FormShown, checked: Checked) -> InboundMessage:
    event_id = _event_id(request, account, fields, shown, checked)
    page = fields.one("page_url")[:2000] or request.headers.get("referer", "")[:2000]
    return InboundMessage(
        account_id=account.id,
        channel=Channel.WEB_FORM,
        provider_event_id=event_id,
        senders=(),
        sent_at=request.received_at,
        text=checked.message,
        display_name=checked.name,
        locale_hint=shown.locale,
        form=FormEnquiry(
            form_id=shown.form_id,
            submission_id=event_id,
            name=checked.name,
            email=checked.email,
            phone=checked.phone,
            reply_channels=checked.reply_channels,
            consents=checked.consents,
            notice_version=shown.notice_version,
            birth_date=checked.birth_date,
            ip_truncated=truncated_ip(request.remote_ip),
            user_agent_family=browser_family(request.headers.get("user-agent", "")),
            page_url=Sealed(page) if page else None,
            call_welcome=checked.call_welcome,
            files_ignored=fields.files,
            adult=checked.adult,
        ),
    )


def _event_id(request: RawRequest, account: Account, fields: Fields, shown: FormShown, checked: Checked) -> str:
    """The same for a double click, another for a changed text sent from the same page.

    Without a submission id the same words from the same addresses count once in ten minutes. Keyed, since a plain
    hash of an address could be guessed back.
    """
    given = fields.one("submission_id")[:100]
    slot = given or str(int(request.received_at.timestamp()) // DEDUPE_S)
    addresses = [a.value.reveal() if a else "" for a in (checked.email, checked.phone)]
    parts = (shown.form_id, slot, *addresses, checked.message.reveal())
    message = b"form-event-1" + b"".join(len(p := part.encode()).to_bytes(4, "big") + p for part in parts)
    return hmac.new(account.secrets["form_token_key"].reveal().encode(), message, "sha256").hexdigest()[:40]


def truncated_ip(text: str | None) -> str | None:
    """The network only: /24 of IPv4, /48 of IPv6 (policy §5). None for what is no address."""
    if not text:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


# Order matters: most browsers also name the ones they descend from.
_FAMILIES = (
    ("MicroMessenger/", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)


def browser_family(user_agent: str) -> str | None:
    """The browser's family and nothing finer (policy §5)."""
    if not user_agent:
        return None
    return next((family for mark, family in _FAMILIES if mark in user_agent), "other")


def reply(request: RawRequest, outcome: Outcome) -> Reply:
    """202 for script and back ends, 303 to the thank-you page for a plain form. The same whether stored or caught."""
    if form_body.content_type(request) == form_body.JSON:
        return Reply(status=202, content_type="application/json", body=b'{"ok":true}')
    return Reply(status=303, headers=(("Location", "/enquire/thanks"),))


def render(message: OutboundMessage, account: Account) -> ProviderRequest:
    """Nothing is ever sent to a form: answers go where the form says."""
    raise CannotExpress(account.id, "no_answers")


def interpret(response: ProviderResponse) -> SendResult:
    """Never asked, since nothing is rendered; a refusal in case it ever is."""
    return SendResult(code=SendCode.REJECTED)


def _origin(url: str) -> str:
    """scheme://host[:port] in lower case, or the empty string."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


ADAPTER = Adapter(
    kind="web_form",
    channel=Channel.WEB_FORM,
    verify=verify,
    parse=parse,
    render=render,
    interpret=interpret,
    reply=reply,
    capabilities=CAPABILITIES,
    required_secrets=("form_token_key",),
    open_transport=None,
)
