"""Judging a contact form's fields: bounds, addresses, boxes. Every fault becomes a sentence beside its field.

Nothing here is refused for what it says, only for what would keep us from answering it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import phonenumbers

from channels.form_body import Fields
from channels.form_token import FormShown, ShownConsent
from channels.phones import is_uk_landline
from hub.model.address import Address, AddressClass, Channel, canonical_email
from hub.model.message import Attestation, ConsentGiven
from hub.model.sealed import Sealed

LONGEST_NAME = 200
LONGEST_MESSAGE = 10_000
LONGEST_EMAIL = 254  # RFC 5321 §4.5.3.1.3
OLDEST_BIRTH = 1900
TELEPHONE = "telephone"
REPLY_CHANNELS = {"email": Channel.EMAIL, "sms": Channel.SMS, "whatsapp": Channel.WHATSAPP}
BY_PHONE = frozenset({"sms", "whatsapp", TELEPHONE})
_UK = 44
_UK_DIGITS = 10
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "message_missing": "Write your question here.",
        "message_long": "Please shorten this to 10,000 characters. {over} are too many.",
        "name_long": "Please shorten the name to 200 characters.",
        "address_missing": "Give an email address or a mobile number, so that we can answer.",
        "email_wrong": "This does not look like an email address. One looks like name@example.com.",
        "email_for_reply": "Give the email address we may answer to.",
        "email_for_news": "Give the email address the news should go to.",
        "phone_wrong": "This does not look like a phone number. From outside the UK, start with + and the country.",
        "phone_one_short": "One digit seems to be missing.",
        "phone_short": "{missing} digits seem to be missing.",
        "phone_long": "There seem to be too many digits.",
        "phone_landline": "This looks like a landline. Text messages reach mobiles only: give a mobile number, or choose another way.",
        "phone_for_reply": "Give the number we may answer to.",
        "phone_for_news": "Give the number the news should go to.",
        "birth_wrong": "Write the date as day, month, year, for example 7 / 3 / 1990, or leave it empty.",
        "reply_unknown": "Choose email, text message, WhatsApp or telephone.",
        "news_unknown": "This form does not offer that.",
        "interest_missing": "Tick at least one subject, or untick the news.",
        "interest_unknown": "This form does not offer that subject.",
    },
    "zh-Hans": {
        "message_missing": "请在此写下您的问题。",
        "message_long": "请缩短至 10,000 字以内，目前超出 {over} 字。",
        "name_long": "姓名请控制在 200 字以内。",
        "address_missing": "请留下电子邮箱或手机号码，以便我们回复。",
        "email_wrong": "邮箱格式似乎不对，应类似 name@example.com。",
        "email_for_reply": "请填写用于接收回复的邮箱。",
        "email_for_news": "请填写用于接收资讯的邮箱。",
        "phone_wrong": "号码格式似乎不对。英国以外的号码请以 + 和国家代码开头。",
        "phone_one_short": "似乎少了 1 位数字。",
        "phone_short": "似乎少了 {missing} 位数字。",
        "phone_long": "数字似乎太多了。",
        "phone_landline": "这似乎是固定电话，收不到短信。请填写手机号码，或选择其他方式。",
        "phone_for_reply": "请填写用于接收回复的号码。",
        "phone_for_news": "请填写用于接收资讯的号码。",
        "birth_wrong": "请按日、月、年填写，例如 7 / 3 / 1990，也可留空。",
        "reply_unknown": "请选择邮件、短信、WhatsApp 或电话。",
        "news_unknown": "本表单没有这个选项。",
        "interest_missing": "请至少勾选一项内容，或取消勾选资讯。",
        "interest_unknown": "本表单没有这项内容。",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormProblem:
    """One fault: the field it stands at and the sentence to show there. Never quotes what was typed."""

    field: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The fields of a submission without faults."""

    name: Sealed[str] | None
    message: Sealed[str]
    email: Address | None
    phone: Address | None
    birth_date: Sealed[str] | None
    reply_channels: tuple[Channel, ...]
    call_welcome: bool
    consents: tuple[ConsentGiven, ...]
    adult: Attestation | None = None


def check(fields: Fields, shown: FormShown, today: date) -> tuple[Checked | None, tuple[FormProblem, ...]]:
    """Either the checked fields or every problem, one per field, in the order of the page."""
    reader = _Reader(fields, shown)
    checked = Checked(
        name=reader.name(),
        birth_date=reader.birth_date(today),
        message=reader.message(),
        email=reader.email(),
        phone=reader.phone(),
        reply_channels=reader.reply_channels(),
        call_welcome=TELEPHONE in fields.all("reply"),
        consents=reader.consents(),
        adult=shown.adult if fields.one("adult") else None,
    )
    problems = reader.problems()
    return (None, problems) if problems else (checked, ())


class _Reader:
    """Reads one submission's fields, gathering what is wrong with them."""

    _PAGE_ORDER = ("name", "birth_date", "message", "email", "phone", "reply", "news", "interest")

    def __init__(self, fields: Fields, shown: FormShown) -> None:
        self._fields = fields
        self._shown = shown
        self._faults: dict[str, str] = {}
        self._landline = False
        self._sentences = SENTENCES.get(shown.locale, SENTENCES["en"])

    def problems(self) -> tuple[FormProblem, ...]:
        return tuple(FormProblem(field=f, sentence=self._faults[f]) for f in self._PAGE_ORDER if f in self._faults)

    def _fault(self, field: str, code: str, **numbers: int) -> None:
        # The first fault of a field is the one to mend first.
        self._faults.setdefault(field, self._sentences[code].format(**numbers))

    def name(self) -> Sealed[str] | None:
        # One line: a line feed here would end up in mail headers.
        name = " ".join(self._fields.one("name").split())
        if len(name) > LONGEST_NAME:
            self._fault("name", "name_long")
        return Sealed(name) if name else None

    def message(self) -> Sealed[str]:
        text = self._fields.one("message")
        if not text:
            self._fault("message", "message_missing")
        if len(text) > LONGEST_MESSAGE:
            self._fault("message", "message_long", over=len(text) - LONGEST_MESSAGE)
        return Sealed(text)

    def email(self) -> Address | None:
        text = self._fields.one("email")
        if not text:
            self._wanted_for("email", {"email"})
            if not self._fields.one("phone"):
                self._fault("email", "address_missing")
            return None
        try:
            value = canonical_email(text)
        except ValueError:
            value = ""
        local, _, domain = value.rpartition("@")
        # Dot-atoms only: quoted local parts are legal, and in a form they are tricks.
        if len(value) > LONGEST_EMAIL or not _DOMAIN.fullmatch(domain) or not _LOCAL.fullmatch(local):
            self._fault("email", "email_wrong")
            return None
        return Address(kind=AddressClass.EMAIL, value=Sealed(value))

    def phone(self) -> Address | None:
        text = self._fields.one("phone")
        if not text:
            self._wanted_for("phone", BY_PHONE)
            return None
        try:
            number = phonenumbers.parse(text, "GB") if len(text) <= 60 else None
        except phonenumbers.NumberParseException:
            number = None
        if number is None:
            self._fault("phone", "phone_wrong")
            return None
        self._check_length(number)
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        self._landline = is_uk_landline(written)
        if self._landline and ("sms" in self._fields.all("reply") or any(c.channel is Channel.SMS for c in self._ticked())):
            self._fault("phone", "phone_landline")
        return Address(kind=AddressClass.PHONE, value=Sealed(written))

    def _check_length(self, number: phonenumbers.PhoneNumber) -> None:
        """Lengths only: number plans change faster than the library, and a wrong guess would lose an enquiry."""
        missing = _UK_DIGITS - len(str(number.national_number)) if number.country_code == _UK else 0
        reason = phonenumbers.is_possible_number_with_reason(number)
        if missing > 0:
            self._fault("phone", "phone_one_short" if missing == 1 else "phone_short", missing=missing)
        elif reason == phonenumbers.ValidationResult.TOO_LONG:
            self._fault("phone", "phone_long")
        elif reason != phonenumbers.ValidationResult.IS_POSSIBLE:
            self._fault("phone", "phone_wrong")

    def _wanted_for(self, field: str, ways: frozenset[str] | set[str]) -> None:
        """An empty address that a ticked box needs."""
        if ways & set(self._fields.all("reply")):
            self._fault(field, f"{field}_for_reply")
        if ways & {str(c.channel) for c in self._ticked()}:
            self._fault(field, f"{field}_for_news")

    def birth_date(self, today: date) -> Sealed[str] | None:
        text = self._fields.one("birth_date")
        if not text:
            return None
        parts = re.findall(r"[0-9]+", text)[:4]
        try:
            if len(parts) != 3 or max(map(len, parts)) > 4:
                raise ValueError("not a day, a month and a year")
            year_first = len(parts[0]) == 4
            year, month, day = (int(p) for p in (parts if year_first else reversed(parts)))
            born = date(year, month, day)
        except ValueError:
            born = None
        if born is None or not date(OLDEST_BIRTH, 1, 1) <= born <= today:
            self._fault("birth_date", "birth_wrong")
            return None
        return Sealed(born.isoformat())

    def reply_channels(self) -> tuple[Channel, ...]:
        """Where the person wants the answer. Nothing ticked: the address that was given, email before text message; a landline
        takes no texts, so an enquiry that gives nothing else waits for somebody to telephone."""
        ticked = self._fields.all("reply")
        if any(t not in REPLY_CHANNELS and t != TELEPHONE for t in ticked):
            self._fault("reply", "reply_unknown")
        if not ticked:
            return (Channel.EMAIL,) if self._fields.one("email") else () if self._landline else (Channel.SMS,)
        return tuple(channel for way, channel in REPLY_CHANNELS.items() if way in ticked)

    def consents(self) -> tuple[ConsentGiven, ...]:
        """Subjects without a news box agree to nothing and are let go."""
        ticked = self._ticked()
        if len(ticked) < len(self._fields.all("news")):
            self._fault("news", "news_unknown")
        interests = self._fields.all("interest")
        if any(i not in self._shown.interests for i in interests):
            self._fault("interest", "interest_unknown")
        if any(c.channel is not Channel.ADS for c in ticked) and not interests:
            self._fault("interest", "interest_missing")
        return tuple(
            ConsentGiven(
                channel=c.channel,
                purpose=c.purpose,
                interests=interests,
                wording_id=c.wording_id,
                wording_version=c.wording_version,
                locale=c.locale,
            )
            for c in ticked
        )

    def _ticked(self) -> list[ShownConsent]:
        wanted = self._fields.all("news")
        return [c for c in self._shown.consents if c.channel in wanted]
