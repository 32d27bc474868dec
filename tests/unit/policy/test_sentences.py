"""Each refusal in words, in both languages; the table of looks §8 word for word."""

from __future__ import annotations

import re

import pytest

from hub.model.permission import Reason
from hub.policy.sentences import family, remedy, sentence

R = Reason
SEEDS: list[tuple[Reason, dict[str, str], str, dict[str, str], str]] = [
    (
        R.WINDOW,
        {"time": "09:14"},
        "Free replies ended at 09:14. One approved template may go",
        {"time": "09:14"},
        "自由回复已于 09:14 结束，可发送一条已批准的模板",
    ),
    (
        R.STOP_CHANNEL,
        {"name": "Ka Yan", "channel": "wechat"},
        "Ka Yan asked us not to write on WeChat. You can answer here again after the next message from Ka Yan",
        {"name": "嘉欣", "channel": "WeChat"},
        "嘉欣要求我们不再通过微信联系。收到嘉欣的新消息后即可在此回复",
    ),
    (
        R.STOP_ALL,
        {"name": "Ruth"},
        "Ruth asked for no contact at all. Only Ruth can change that, by writing to us",
        {"name": "Ruth"},
        "Ruth 要求我们完全停止联系。只有本人来信才能恢复",
    ),
    (
        R.SUPPRESSED,
        {"name": "Daniel"},
        "Daniel has ended all news from us. Answers to questions may still go",
        {"name": "Daniel"},
        "Daniel 已停止接收我们的所有资讯，提问仍可回复",
    ),
    (
        R.CROSS_CHANNEL,
        {"name": "Daniel", "other": "Email"},
        "Daniel did not invite us here. The form asks for an answer by email",
        {"name": "Daniel", "other": "email"},
        "Daniel 未邀请我们使用此渠道，表单中选择的是邮件答复",
    ),
    (
        R.NO_ANSWER,
        {"name": "Hannah"},
        "Two answers are waiting for Hannah. A third would press",
        {},
        "已有两条回复等待对方，再发会造成打扰",
    ),
    (R.NO_CONSENT, {"channel": "SMS"}, "Never agreed to news by SMS", {"channel": "sms"}, "从未同意接收短信资讯"),
    (R.CONSENT_EXPIRED, {"months": "24"}, "The agreement is more than 24 months old", {"months": "24"}, "该同意已超过 24 个月"),
    (
        R.NOT_RELEVANT,
        {"agreed": "laser", "sent": "skincare"},
        "The agreement is about laser, not skincare",
        {"agreed": "激光", "sent": "护肤"},
        "同意的内容是激光，不是护肤",
    ),
    (
        R.MISLABELLED,
        {"words": "20% off"},
        "This reads like an offer. Take “20% off” out, then send",
        {"words": "八折"},
        "这段文字像是推广。请删去“八折”后再发送",
    ),
    (
        R.POM,
        {"instead": "consultation for lines and wrinkles"},
        "The text names a prescription medicine. Say “consultation for lines and wrinkles” instead",
        {"instead": "皱纹与细纹咨询"},
        "文中出现处方药名称，请改为“皱纹与细纹咨询”",
    ),
    (
        R.HEALTH_LEAK,
        {"channel": "sms"},
        "A text message shows on a locked screen. Leave the treatment out",
        {"channel": "sms"},
        "短信会显示在锁屏上，请不要提及具体治疗",
    ),
    (R.QUIET, {"time": "09:00"}, "It is night there now. Send at 09:00?", {"time": "09:00"}, "对方当地正值夜间，改为 09:00 发送？"),
    (
        R.CAP,
        {"count": "2", "time": "Monday"},
        "Already had 2 messages of news this week. The next may go on Monday",
        {"count": "2", "time": "周一"},
        "本周已收到 2 条资讯，下一条可在周一发送",
    ),
    (
        R.UNDER18_PROCEDURE,
        {"name": "Isla", "words": "I am 16"},
        "Isla wrote “I am 16”. Pass this to a clinician",
        {"name": "Isla", "words": "我 16 岁"},
        "Isla 写道“我 16 岁”，请转交医生处理",
    ),
    (R.RESTRICTED, {}, "At rest while a rights case is open. Write about the case only", {}, "个案处理期间已暂停，仅可就个案联系"),
    (
        R.ERASURE_PENDING,
        {"name": "Ruth"},
        "Ruth asked us to erase everything. The rights desk answers",
        {"name": "Ruth"},
        "Ruth 已要求删除资料，由资料权利专员答复",
    ),
    (R.BAD_ADDRESS, {}, "This address does not exist any more. Ask for another", {}, "该地址已失效，请向对方索取新地址"),
    (
        R.STORE_DOWN,
        {"wait": "20 s"},
        "We cannot tell just now whether we may. Your text is kept; we try again in 20 s",
        {"wait": "20 秒"},
        "暂时无法确认是否可以发送。文字已保存，20 秒后自动重试",
    ),
]
EVERY_VALUE = {
    "name": "{name} O'Brien",
    "channel": "whatsapp",
    "time": "today 09:14",
    "count": "2",
    "months": "24",
    "wait": "20 s",
    "words": "{words}",
    "instead": "advice",
    "other": "sms",
    "agreed": "laser",
    "sent": "hair",
    "country": "FR",
    "missing": "our name",
}
FAMILIES = {
    "their_wish": "STOP_ALL STOP_CHANNEL SUPPRESSED OBJECTED RESTRICTED ERASURE_PENDING ERASED DECEASED",
    "time": "WINDOW WINDOW_USED QUIET CAP ACK_USED OOC_USED OOC_LATE PAUSED STORE_DOWN",
    "text": "MISLABELLED POM CONTENT FOOTER HEALTH_LEAK",
    "care": "UNDER_18 AGE_UNKNOWN UNDER18_PROCEDURE NOT_CLINICIAN",
    "broken": "BAD_ADDRESS NO_ROUTE BAD_INPUT NO_RULE",
    "machine": "AUTO_INBOUND BOT_BARRED",
    "": "ALLOW",
}
HAN = re.compile("[一-鿿]")


@pytest.mark.parametrize(
    ("reason", "values", "english", "chinese_values", "chinese"), SEEDS, ids=lambda v: str(v) if isinstance(v, Reason) else ""
)
def test_a_line_of_the_table_of_words(
    reason: Reason, values: dict[str, str], english: str, chinese_values: dict[str, str], chinese: str
) -> None:
    assert sentence(reason, "en", **values) == english
    assert sentence(reason, "zh-Hans", **chinese_values) == chinese


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_in_both_languages_with_and_without_values(reason: Reason) -> None:
    for values in ({}, EVERY_VALUE, {"name": "Ruth"}, {"channel": "carrier pigeon"}, {"time": ""}):
        english, chinese = sentence(reason, "en-GB", **values), sentence(reason, "zh-CN", **values)
        assert english
        assert not HAN.search(english)
        assert HAN.search(chinese)
        for said in (english, chinese):
            assert not said.endswith((".", "。", "!", "！"))
            assert not re.search(r"\{(?!name|words)", said)
            assert "  " not in said
        assert bool(remedy(reason, "en", **values)) is bool(remedy(reason, "zh", **values))


@pytest.mark.parametrize("reason", Reason)
def test_the_remedy_is_one_sentence(reason: Reason) -> None:
    for locale in ("en", "zh"):
        said = remedy(reason, locale, **EVERY_VALUE)
        assert not re.search(r"[。！!]", said)
        assert said.count(". ") <= (reason in (Reason.BAD_INPUT, Reason.NO_RULE))  # these first say that nothing left


def test_chinese_puts_a_space_where_han_and_latin_meet_and_nowhere_else() -> None:
    assert sentence(Reason.STOP_ALL, "zh", name="嘉欣").startswith("嘉欣要求")
    assert sentence(Reason.STOP_ALL, "zh", name="Ruth").startswith("Ruth 要求")
    assert sentence(Reason.NO_CONSENT, "zh", channel="whatsapp") == "从未同意接收 WhatsApp 资讯"
    assert sentence(Reason.NO_CONSENT, "zh", channel="wechat") == "从未同意接收微信资讯"


@pytest.mark.parametrize(
    ("said", "shown"), [("sms", "by SMS"), ("WhatsApp", "on WhatsApp"), ("Email", "by email"), ("WECHAT", "on WeChat")]
)
def test_channels_are_named_as_people_name_them(said: str, shown: str) -> None:
    assert sentence(Reason.NO_CONSENT, "en", channel=said) == f"Never agreed to news {shown}"


@pytest.mark.parametrize(
    ("time", "shown"),
    [("09:14", "at 09:14"), ("today 08:41", "today 08:41"), ("Wed 08:41", "on Wed 08:41"), ("3 November", "on 3 November")],
)
def test_a_time_stands_well_in_its_sentence(time: str, shown: str) -> None:
    assert sentence(Reason.WINDOW, "en", time=time).startswith(f"Free replies ended {shown}.")


def test_braces_in_a_name_are_only_a_name() -> None:
    assert sentence(Reason.STOP_ALL, "en", name="{channel}").startswith("{channel} asked for no contact")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_family(reason: Reason) -> None:
    known = {Reason(code): name for name, codes in FAMILIES.items() for code in codes.split()}
    assert family(reason) == known.get(reason, "no_ground")
