"""A refusal in words: what the screen says for a reason code, and what would change it (looks §6, §8). Decides nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from hub.model.permission import Reason
from hub.policy.catalogue.chinese import CHINESE
from hub.policy.catalogue.english import ENGLISH

# looks.md §6: how a refusal looks, by reason. NO_FRESH_FORM is not in that table; it is a missing ground like its neighbours.
_FAMILIES: Final[Mapping[str, str]] = {
    "their_wish": "STOP_ALL STOP_CHANNEL SUPPRESSED OBJECTED RESTRICTED ERASURE_PENDING ERASED DECEASED",
    "no_ground": "NO_INVITATION CROSS_CHANNEL NO_ANSWER NO_CONSENT CONSENT_UNPROVEN CONSENT_EXPIRED CONSENT_UNCONFIRMED"
    " NO_SOFT_OPTIN NOT_RELEVANT HEALTH_SELECTION COUNTRY NO_RELATION NO_CASE NO_NOTICE NO_FRESH_FORM",
    "time": "WINDOW WINDOW_USED QUIET CAP ACK_USED OOC_USED OOC_LATE PAUSED STORE_DOWN",
    "text": "MISLABELLED POM CONTENT FOOTER HEALTH_LEAK",
    "care": "UNDER_18 AGE_UNKNOWN UNDER18_PROCEDURE NOT_CLINICIAN",
    "broken": "BAD_ADDRESS NO_ROUTE BAD_INPUT NO_RULE",
    "machine": "AUTO_INBOUND BOT_BARRED",
}
_FAMILY_OF: Final = {Reason(code): name for name, codes in _FAMILIES.items() for code in codes.split()}

# By lower-case name as staff, settings or the model write it: English, Chinese, and the English preposition.
_CHANNELS: Final[Mapping[str, tuple[str, str, str]]] = {
    "sms": ("SMS", "短信", "by"),
    "whatsapp": ("WhatsApp", "WhatsApp", "on"),
    "email": ("email", "邮件", "by"),
    "wechat": ("WeChat", "微信", "on"),
    "messenger": ("Messenger", "Messenger", "on"),
    "instagram": ("Instagram", "Instagram", "on"),
    "web_form": ("the website form", "网站表单", "by"),
    "website form": ("the website form", "网站表单", "by"),
    "ads": ("advertising", "广告", "by"),
    "advertising": ("advertising", "广告", "by"),
}
_SLOT = re.compile(r"\{(\w+)\}")
_CLOCK = re.compile(r"\d{1,2}:\d\d")
_TELLS_WHEN = ("today", "tomorrow", "yesterday", "at ", "on ", "in ", "next ", "later", "soon")
_HAN = re.compile(r"[㐀-鿿豈-﫿]")
_LATIN = re.compile(r"[^\W_]")


def sentence(reason: Reason, locale: str, **values: str) -> str:
    """What the screen shows, without a final stop. locale: "zh" or a tag under it gives Chinese, all else English.

    Values, each of which may be missing: name, channel (any spelling), time ("09:14", "Wed 08:41", "今天 09:14"),
    count, months, wait ("20 s"), words (the text at fault, or what the person wrote), instead (a safe wording), other
    (the channel asked for), agreed and sent (subjects), country, missing.
    """
    entry = (CHINESE if _chinese(locale) else ENGLISH)[reason]
    said = heading(reason, locale, **values)
    return said if entry.joint is None else said + entry.joint + _first(entry.remedy, locale, values)


def heading(reason: Reason, locale: str, **values: str) -> str:
    """The sentence without what would change it, for places that show `remedy` on a line of its own."""
    return _first((CHINESE if _chinese(locale) else ENGLISH)[reason].said, locale, values)


def remedy(reason: Reason, locale: str, **values: str) -> str:
    """One sentence on what would change it, "" where nothing would. Takes what `sentence` takes."""
    entry = (CHINESE if _chinese(locale) else ENGLISH)[reason]
    return _first(entry.remedy, locale, values) if entry.remedy else ""


def family(reason: Reason) -> str:
    """How the refusal looks: their_wish, no_ground, time, text, care, broken or machine; "" for ALLOW."""
    return _FAMILY_OF.get(reason, "")


def _chinese(locale: str) -> bool:
    return locale.lower().startswith("zh")


def _first(wordings: Iterable[str], locale: str, values: Mapping[str, str]) -> str:
    """The fullest wording whose slots can all be filled; the last needs none but those that have a default."""
    known = _filled(values, chinese=_chinese(locale))
    wording = next(w for w in wordings if all(slot in known for slot in _SLOT.findall(w)))
    return _SLOT.sub(lambda m: _spaced(m, known) if _chinese(locale) else known[m[1]], wording)


def _filled(values: Mapping[str, str], *, chinese: bool) -> dict[str, str]:
    """The slots that can be filled: the values given, and those that follow from them."""
    known = {slot: value for slot, value in values.items() if value}
    known["preview"] = _preview(values.get("channel", ""), chinese=chinese)
    for slot, via in (("channel", "via"), ("other", "other_via")):
        if slot in known:
            english, local, preposition = _CHANNELS.get(known[slot].lower(), (known[slot], known[slot], "on"))
            known[slot], known[via] = (local, local) if chinese else (english, f"{preposition} {english}")
    if "time" in known:
        known["at"] = _at(known["time"])
    return known


def _at(time: str) -> str:
    """A time as it stands in an English sentence: "at 09:14", "on Wed 08:41", "today 08:41"."""
    if _CLOCK.match(time):
        return f"at {time}"
    return time if time.lower().startswith(_TELLS_WHEN) else f"on {time}"


def _preview(channel: str, *, chinese: bool) -> str:
    """The part of a message on this channel that others may see."""
    key = channel.lower()
    if key == "sms":
        return "短信" if chinese else "A text message"
    if key == "email":
        return "邮件主题" if chinese else "A subject line"
    return "消息预览" if chinese else "The preview of a message"


def _spaced(slot: re.Match[str], known: Mapping[str, str]) -> str:
    """The value, with a space where Han meets Latin letters or figures."""
    value = known[slot[1]]
    before, after = slot.string[slot.start() - 1 : slot.start()], slot.string[slot.end() : slot.end() + 1]
    return f"{_gap(before, value[:1])}{value}{_gap(value[-1:], after)}"


def _gap(left: str, right: str) -> str:
    if _HAN.match(left) and not _HAN.match(right):
        return " " if _LATIN.match(right) else ""
    return " " if _HAN.match(right) and not _HAN.match(left) and _LATIN.match(left) else ""
