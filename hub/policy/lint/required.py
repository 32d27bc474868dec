"""What a marketing text must carry, by channel: who it is from, how to end it, what comes first (policy §8.1, §8.2).

It reads words. Headers (List-Unsubscribe), signatures and template approval belong to the channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hub.model.address import Channel
from hub.model.permission import Kind
from hub.policy.lint.fold import fold
from hub.policy.lint.part import Part, from_hits, missing, plain_words
from hub.policy.lint.phrases import HAN
from hub.policy.lint.rules import LintRules
from hub.policy.lint.values import Finding, LintText, SenderIdentity

_LINK = re.compile(r"https?://|www\.|\{{1,2}\s?\w{0,40}(?:url|link|unsubscribe|preferences)\w{0,40}")
_FEES_TOLD = ("inclu", "all fees", "no other fee", "全包", "包含", "已含")

_NAME = ("the clinic's name", "诊所名称")
_NAME_FIRST = ("the clinic's name at the start", "开头的诊所名称")
_EMAIL_PARTS: tuple[tuple[str, tuple[str, str]], ...] = (
    ("legal_name", ("the company's name", "公司名称")),
    ("company_number", ("the company number", "公司注册号")),
    ("registered_in", ("the part of the United Kingdom it is registered in", "注册所在的英国地区")),
    ("registered_office", ("the registered office", "注册地址")),
    ("postal_address", ("the postal address", "邮寄地址")),
)
_HOW_TO_STOP: dict[Channel, tuple[str, str]] = {
    Channel.EMAIL: ("Unsubscribe: {unsubscribe_url}", "退订：{unsubscribe_url}"),
    Channel.SMS: ("Opt out: reply STOP", "退订回复TD"),
    Channel.WHATSAPP: ("Reply STOP to opt out", "退订请回复STOP"),
    Channel.WECHAT: ("回复TD退订", "回复TD退订"),
}
_ONE_WAY_STOP = ("Opt out: {unsubscribe_url}", "退订：{unsubscribe_url}")
_PREFERENCES = ("{preferences_url}", "{preferences_url}")


def missing_identity(text: LintText, part: Part) -> list[tuple[str, str]]:
    """What of the sender's identity is missing, in English and Chinese. Empty: complete."""
    if text.channel is Channel.ADS:
        return []  # an audience name is signed by nobody
    sender = text.sender
    if sender is None or not sender.names:
        return [_NAME]
    words = part.plain()
    wanted = [plain_words(fold(name)) for name in sender.names]
    if text.channel is Channel.SMS and text.kind is Kind.MKT:
        found = any(_starts(words, name) for name in wanted)
        return [] if found else [_NAME_FIRST]
    gaps = [] if any(_holds(words, name) for name in wanted) else [_NAME]
    return gaps + (_missing_company(sender, words) if text.channel is Channel.EMAIL else [])


def _missing_company(sender: SenderIdentity, words: str) -> list[tuple[str, str]]:
    return [label for name, label in _EMAIL_PARTS if not _holds(words, plain_words(fold(getattr(sender, name))))]


def _holds(words: str, wanted: str) -> bool:
    # text with Han characters has no spaces to stand between
    return bool(wanted.strip()) and (wanted.strip() in words if HAN.search(wanted) else wanted in words)


def _starts(words: str, wanted: str) -> bool:
    return bool(wanted.strip()) and (words.startswith(wanted.rstrip()) if HAN.search(wanted) else words.startswith(wanted))


def offers_optout(text: LintText, part: Part, rules: LintRules) -> bool:
    """Whether the text tells how to end it, in the way its channel needs (policy §8.1)."""
    if text.channel is Channel.ADS:
        return True
    said = bool(part.hits.get("required.optout"))
    reply = bool(part.hits.get("required.reply"))
    if text.channel is Channel.EMAIL:
        return said and _LINK.search(part.folded.text) is not None
    if text.channel is Channel.SMS:
        by_link = said and _LINK.search(part.folded.text) is not None
        return by_link if text.one_way else reply or by_link
    if text.channel is Channel.WECHAT:
        return reply
    return said or reply or any(_stops(button, rules) for button in text.buttons)


def _stops(caption: str, rules: LintRules) -> bool:
    return any(hit.rule in ("required.optout", "required.reply") for hit in rules.book.find(fold(caption).text))


def required(text: LintText, part: Part, gaps: list[tuple[str, str]], optout: bool) -> Iterator[Finding]:
    """Findings for every required part that is not there. A text of unknown kind owes them once it makes an offer."""
    if text.kind is None and not part.hits.get("promo.offer"):
        return
    for gap in gaps:
        yield from missing("required.identity", text.kind, gap)
    if not optout:
        how = _ONE_WAY_STOP if text.one_way else _HOW_TO_STOP.get(text.channel, _HOW_TO_STOP[Channel.WHATSAPP])
        yield from missing("required.optout", text.kind, how)
    if text.channel is Channel.EMAIL and not part.hits.get("required.preferences"):
        yield from missing("required.preferences", text.kind, _PREFERENCES)
    if not part.hits.get("required.consultation"):
        yield from from_hits("required.consultation", text.kind, part, part.of("health.procedure")[:1])
    if not part.hits.get("required.terms"):
        yield from from_hits("required.terms", text.kind, part, part.of("promo.offer")[:1])
    if not any(word in part.folded.text for word in _FEES_TOLD):
        yield from from_hits("claim.fees", text.kind, part, part.of("claim.fees")[:1])
