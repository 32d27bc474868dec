"""Messages and the channel contract: what comes in, what goes out, and what providers answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from hub.model.address import Address, Channel
from hub.model.ids import AccountId, ContactId, ConversationId, MessageId
from hub.model.sealed import Sealed


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class DeliveryStatus(StrEnum):
    """Where an outbound message stands.

    `queued` -> `sending` -> `accepted` -> `sent` -> `delivered` -> `read` only ever moves that way
    (`hub.model.delivery.advance`). `failed` may replace anything before `delivered`. `unknown`: bytes may have
    left and nobody has told us what became of them. `refused`: the judge said no. `cancelled`: taken back in time.
    """

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class ContentKind(StrEnum):
    """What an inbound message is made of. Unknown kinds are stored as UNSUPPORTED, never dropped."""

    TEXT = "text"
    MEDIA = "media"
    LOCATION = "location"
    CONTACTS = "contacts"
    BUTTON = "button"
    REACTION = "reaction"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file on our own disk: SHA-256 of its content, size in bytes."""

    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRef:
    """A file a provider keeps for us, or one that came along. `url` may carry a token, hence sealed; `provider_media_id`
    where it has one. content: the file itself, where it is part of what came in; intake puts it on our disk before anything
    is stored and leaves `kept` in its place. unreadable: why staff cannot open it ("tnef", "smime", "pgp", …); "" elsewhere.
    """

    url: Sealed[str] | None = None
    provider_media_id: str | None = None
    mime_type: str
    file_name: Sealed[str] | None = None
    content: Sealed[bytes] | None = None
    kept: KeptFile | None = None
    unreadable: str = ""


class ProviderKeyword(StrEnum):
    """What the provider itself made of the text (Twilio `OptOutType`). Authoritative, whatever the text says."""

    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """One ticked box, stored as what was shown (policy §5). The box was unticked when shown."""

    channel: Channel
    purpose: str
    interests: tuple[str, ...]
    wording_id: str
    wording_version: int
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A ticked statement that is no consent ("I am 18 or over"), as the wording that was shown."""

    wording_id: str
    wording_version: int
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormEnquiry:
    """What a contact form adds to its message: typed, unproven addresses and the boxes that were ticked."""

    form_id: str
    submission_id: str
    name: Sealed[str] | None
    email: Address | None
    phone: Address | None
    reply_channels: tuple[Channel, ...]
    consents: tuple[ConsentGiven, ...]
    notice_version: str
    birth_date: Sealed[str] | None = None  # ISO date as given; drives age gates only
    ip_truncated: str | None = None  # /24 or /48 (policy §5)
    user_agent_family: str | None = None
    page_url: Sealed[str] | None = None
    call_welcome: bool = False  # "Telephone" was ticked; a call is made by a person, so it is no channel
    files_ignored: int = 0  # files sent along that were not taken over
    adult: Attestation | None = None  # "I am 18 or over" was ticked; it was unticked when shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """The link or advertisement that led somebody to write. Click ids, which follow a person about, are not taken over.

    source: the provider's short word ("ad", "SHORTLINK"). ref: the parameter we put into the link ourselves.
    """

    source: str
    ref: str | None = None
    ad_id: str | None = None
    title: str | None = None


class Mailbox(StrEnum):
    """Which of our addresses a mail came to. DATA and STOP are the clinic's data@ and stop@ (policy §4)."""

    ENQUIRIES = "enquiries"
    DATA = "data"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDetail:
    """What a mail says beside the text that is shown first.

    whole_text: with everything quoted. own_text: what the person wrote now, possibly empty; the only place, with the
    subject, where words that ask for something are looked for (policy §3.2 step 1). message_id: the sender's, without
    brackets. answers: ids it answers, the likeliest first. thread: the conversation whose signed reply address it came to.
    trusted: DMARC passed and aligned, by our own server's word; trust_detail: that word as a constant (channels.md §2.2).
    robot: the sign that no person wrote it; "" for a person.
    """

    subject: Sealed[str]
    whole_text: Sealed[str]
    own_text: Sealed[str]
    message_id: str | None = None
    answers: tuple[str, ...] = ()
    thread: ConversationId | None = None
    mailbox: Mailbox = Mailbox.ENQUIRIES
    trusted: bool = False
    trust_detail: str = "unknown"
    robot: str = ""
    flags: tuple[str, ...] = ()  # what reading found odd, and files staff cannot open: short constants


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """One message a person sent us, as one channel delivered it.

    provider_event_id: unique within the account; the pair is the dedupe key.
    senders: every address that names the sender, the best key first (a form may have none).
    sent_at: aware UTC, the provider's clock, or the time of receipt where the provider gives none.
    """

    account_id: AccountId
    channel: Channel
    provider_event_id: str
    senders: tuple[Address, ...]
    sent_at: datetime
    text: Sealed[str]
    kind: ContentKind = ContentKind.TEXT
    display_name: Sealed[str] | None = None
    media: tuple[MediaRef, ...] = ()
    location: tuple[float, float] | None = None
    button_payload: str | None = None
    reply_to_provider_id: str | None = None
    keyword: ProviderKeyword | None = None
    automatic: bool = False  # a robot wrote it: never answered by one (RFC 3834 and kin)
    locale_hint: str | None = None
    form: FormEnquiry | None = None
    edit_of_provider_id: str | None = None  # this is the corrected text of that message, which stays as it was
    referral: Referral | None = None  # what led here, told with the first message after a click
    story: str | None = None  # "reply" to or "mention" in a story: ephemeral, so its picture is never copied
    forwarded: bool = False  # passed on from somebody else: the words may not be the sender's own
    mail: MailDetail | None = None  # what only a mail has; None on every other channel
    standby: bool = False  # another application holds the thread: shown, and `automatic` too, so it invites no answer from here


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """What a provider tells about one of our messages. Either id may be missing, not both.

    message_id: ours, from the callback URL; joins a status even when the create call's outcome was unknown.
    """

    account_id: AccountId
    provider_event_id: str
    provider_message_id: str | None
    message_id: MessageId | None
    status: DeliveryStatus  # UNKNOWN for a word the table does not list; counted
    occurred_at: datetime
    error_code: str | None = None
    recipient_stopped: bool = False  # the code means "this person asked the provider to stop us"
    address_invalid: bool = False  # the code means "there is nobody at this address"
    about: Address | None = None  # whom the report names; an address we did not write to is not marked. None: whom we wrote to


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChange:
    """A stop or resume the provider reports by itself (unfollow, `user_preferences`, complaint)."""

    account_id: AccountId
    channel: Channel
    provider_event_id: str
    senders: tuple[Address, ...]
    occurred_at: datetime
    stop: bool
    whole_channel: bool  # unfollow blocks everything; a marketing preference does not
    source: str  # short constant: "unfollow", "user_preferences", "complaint", "unsubscribe"
    contact_id: ContactId | None = None  # the person our own signed token names
    about: tuple[UUID, ...] = ()  # messages or conversations of ours it is about, where the sender is not named
    this_list_only: bool = False  # chosen on our own page: news on this channel end, and nothing wider
    nothing_at_all: bool = False  # chosen on our own page: no word from us any more, on any channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An event nobody here knows: journalled, counted, shown if it names a sender, never a crash."""

    account_id: AccountId
    provider_event_id: str
    kind: str  # the provider's own word for it, cut to 100 characters


# Events that are understood, and journalled and counted as `Unknown` by whoever does not act on them.


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction(Unknown):
    """The person took back a message. Instagram's terms ask that its content be removed (channels.md §7)."""

    sender: Address
    target_provider_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRemoved(Unknown):
    """The person took back a reaction to one of the messages."""

    sender: Address
    target_provider_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo(Unknown):
    """Somebody of ours wrote to this person elsewhere, in the provider's own inbox or app: store it as outbound."""

    recipient: Address
    provider_message_id: str
    text: Sealed[str]
    media: tuple[MediaRef, ...] = ()
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChange(Unknown):
    """A person's address became another one. The number may have a new owner: never merged without staff."""

    before: tuple[Address, ...]
    after: tuple[Address, ...]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark(Unknown):
    """Everything we sent this person up to `up_to` has reached `status` (DELIVERED or READ)."""

    person: Address
    status: DeliveryStatus
    up_to: datetime


ChannelEvent = InboundMessage | StatusUpdate | PreferenceChange | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """An HTTP request as it arrived. `path_and_query` is raw (`%20` stays `%20`): signatures cover it.

    headers: names lower-cased. body: capped by the route before this value is made.
    """

    method: str
    path_and_query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime
    remote_ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer the provider."""

    status: int
    content_type: str = "text/plain"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Outcome(StrEnum):
    """What became of a webhook, told to the adapter that words the answer."""

    STORED = "stored"
    HANDSHAKE = "handshake"  # a set-up challenge: answer it, nothing was stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One set of credentials and one sender at one provider, from config/channels.toml.

    secrets: by name ("auth_token", "auth_token_secondary", "api_key_secret", …). An account whose adapter needs
    a secret that is not set cannot be built (hub.settings), so unset can never mean open.
    """

    id: AccountId
    adapter: str  # key in channels.registry.ADAPTERS
    channel: Channel
    sender: str  # our number, page or mailbox, as the provider spells it
    public_url: str  # configured public base, no trailing slash; never taken from Host headers
    secrets: Mapping[str, Sealed[str]]
    options: Mapping[str, str | int | float | bool]
    processor: str  # entry in the processor register (policy R36); "" refuses to send
    rate_per_s: float = 1.0
    burst: int = 1
    outbound: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a channel can do; nobody asks "is it WhatsApp?"."""

    outbound: bool
    attachments: bool
    templates: bool
    reply_window_h: int | None  # hours of free reply after the person's last message; None: no window
    max_text: int  # characters one message carries
    read_receipts: bool
    provider_confirms_stop: bool  # the gateway may answer a stop itself, so ours would be a second one
    max_body_bytes: int  # webhook bodies beyond this are refused unread (413)
    media_hosts: tuple[str, ...] = ()  # hosts media may be fetched from, https only
    reply_window_messages: int | None = None  # free messages within the window, counted by us; None: no such number
    max_text_bytes: int | None = None  # bytes of UTF-8 one message carries, where the provider counts those; None: it does not
    splits_text: bool = False  # a longer text goes as several messages, one after the other
    human_agent: bool = False  # a person's own words may go for days after the window, under a tag (`HUMAN_AGENT_TAG`)
    # How often a send that never left is tried, and the longest wait between two tries in seconds; waits double from two seconds on.
    attempts: int = 8
    longest_wait_s: float = 300.0
    in_flight: int = 64  # sends one worker has claimed and not yet recorded, at most: more where a send is mostly waiting
    spool: bool = False  # the provider soon gives up on us: what the store cannot take waits on disk instead


HUMAN_AGENT_TAG = "human_agent_tag"  # as `OutboundMessage.template_id`: a person wrote this, after the window; no robot ever asks for it


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMail:
    """What only a mail needs (channels.md §2.3). Message ids are without brackets; written_at: aware, the Date header.

    leaves_list: the person whose unsubscribe links a marketing mail carries; None for every other mail. list_name: what they
    leave. automatic: a robot's words, marked so that no robot answers them (RFC 3834 §5).
    """

    subject: Sealed[str]
    conversation_id: ConversationId
    written_at: datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    leaves_list: ContactId | None = None
    list_name: str = "news"
    automatic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """What the gate hands to `render`. mail: what only a mail has; None on every other channel."""

    id: MessageId
    to: Address
    text: Sealed[str]
    template_id: str | None = None
    template_variables: tuple[tuple[str, Sealed[str]], ...] = ()
    media_urls: tuple[Sealed[str], ...] = ()
    reply_to_provider_id: str | None = None
    mail: OutboundMail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """One call to a provider, as values: what to ask for, and the fields. Sealed, since it carries text."""

    operation: str  # the transport's own verb, e.g. "messages.create"
    fields: Sealed[Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderResponse:
    """What a provider answered. A call that never got an answer raises instead (channels.errors)."""

    status: int
    body: Sealed[Mapping[str, object]]
    retry_after_s: float | None = None


class SendCode(StrEnum):
    """Who acts next after a send (style.md, Errors)."""

    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"  # nothing left: try again
    THROTTLED = "throttled"  # not processed: again after the stated wait
    OUTCOME_UNKNOWN = "outcome_unknown"  # bytes may have left: a callback, a look-up or a person settles it
    REJECTED = "rejected"  # the provider said no to this message
    RECIPIENT_STOPPED = "recipient_stopped"  # also writes a suppression
    ADDRESS_INVALID = "address_invalid"  # nobody there: the address is marked
    ACCOUNT_INVALID = "account_invalid"  # our credentials: pause the account, alert


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """How one send ended. `error_code` is the provider's own code, never its text."""

    code: SendCode
    provider_message_id: str | None = None
    error_code: str | None = None
    retry_after_s: float | None = None


class Transport(Protocol):
    """Performs provider calls for one account; opened inside the running loop, closed with it."""

    async def send(self, request: ProviderRequest) -> ProviderResponse:
        """Perform the call once, with a total time-out.

        Raises channels.errors.NotSent when nothing left this machine, OutcomeUnknown when bytes may have.
        Never retries by itself.
        """
        ...

    async def fetch_media(self, media: MediaRef, max_bytes: int) -> bytes:
        """Fetch one file. https and the declared hosts only, capped while streaming, private addresses refused.

        Raises channels.errors.MediaRefused.
        """
        ...

    async def look_up(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """The fate of a send whose outcome is unknown, if the provider can be asked; None when it cannot say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEvent:
    """One entry of a provider's own list of messages: a message that came in, or how far one of ours is.

    provider_event_id: as its webhook would have it. at: aware UTC, the provider's clock. entry: what the provider listed.
    """

    provider_event_id: str
    provider_message_id: str
    inbound: bool
    at: datetime
    entry: Sealed[Any]


@runtime_checkable
class ListsMessages(Protocol):
    """A transport whose provider keeps a list, so that what came while we were away can be had afterwards."""

    async def list_messages(self, since: datetime, until: datetime) -> Sequence[ListedEvent]:
        """All it has of that time, both ways, oldest first. Raises channels.errors.NotSent or OutcomeUnknown."""
        ...

    async def as_delivered(self, event: ListedEvent, *, received_at: datetime) -> RawRequest:
        """The webhook that would have told of it, files included; unsigned. Raises as `list_messages`."""
        ...


@runtime_checkable
class ForgetsMedia(Protocol):
    """A transport whose provider keeps files until it is told to delete them."""

    async def delete_media(self, media: MediaRef) -> None:
        """Have it delete one file; one it no longer has is well. Raises channels.errors.NotSent or OutcomeUnknown: again later."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A short-lived credential as a provider gave it out."""

    token: Sealed[str]
    lasts_s: float


class SharedTokens(Protocol):
    """Keeps each account's short-lived credential for every process of the house, and has it renewed by one at a time."""

    async def token(
        self, account_id: AccountId, fetch: Callable[[bool], Awaitable[IssuedToken]], *, refused: Sealed[str] | None = None
    ) -> Sealed[str]:
        """The credential to use now. refused: one the provider would not take, which is therefore replaced.

        fetch(force) asks the provider; force: even though it holds the present one for good. Raises what `fetch` raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Adapter:
    """One channel at one provider: pure functions, and a factory for the thin transport that talks.

    open_with_tokens: in place of `open_transport` where the provider's credential is shared by all processes.
    handshake: words the answer to a set-up challenge where that takes the account's secrets; else `reply` does.
    answer: words a message as the answer to the very request it answers, where the provider has such answers; raises
    channels.errors.CannotExpress. nonce: names a request whose signature does not cover its body, so that the name is bound
    to the first body that comes with it; "" for every other request. faults: what of an account cannot work, as sentences that
    follow its name ("needs …"), for whoever starts the hub; never a secret's value.
    """

    kind: str
    channel: Channel
    verify: Callable[[RawRequest, Account, datetime], None]
    parse: Callable[[RawRequest, Account], list[ChannelEvent]]
    render: Callable[[OutboundMessage, Account], ProviderRequest]
    interpret: Callable[[ProviderResponse], SendResult]
    reply: Callable[[RawRequest, Outcome], Reply]
    capabilities: Capabilities
    required_secrets: tuple[str, ...]
    open_transport: Callable[[Account], AbstractAsyncContextManager[Transport]] | None
    open_with_tokens: Callable[[Account, SharedTokens], AbstractAsyncContextManager[Transport]] | None = None
    handshake: Callable[[RawRequest, Account], Reply] | None = None
    answer: Callable[[OutboundMessage, RawRequest, Account], Reply] | None = None
    nonce: Callable[[RawRequest], str] | None = None
    faults: Callable[[Account], Sequence[str]] | None = None
