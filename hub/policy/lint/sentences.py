"""What staff read about a finding, in English and Simplified Chinese (looks.md §8): what is wrong, and what to do.

{words} is the text at fault, {detail} the missing part or the safe wording. Nothing here decides anything.
"""

from __future__ import annotations

from typing import Final

_CUT = 60  # characters of the words at fault that a sentence quotes

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "promo.offer": (
        "This reads like an offer. Take “{words}” out, then send",
        "这段文字像是推广。请删去“{words}”后再发送",
    ),
    "under18.booking": (
        "“{words}” books a treatment that is against the law under 18. Confirm the age before this goes",
        "“{words}”涉及依法不得为未满 18 岁者进行的项目，发送前请确认年龄",
    ),
    "under18.age": (
        "“{words}” speaks of somebody under 18. Take the treatment out and pass this to a clinician",
        "“{words}”涉及未满 18 岁者。请删去治疗项目，并转交医生处理",
    ),
    "pom.named": (
        "The text names a prescription medicine, “{words}”. Say “{detail}” instead",
        "文中出现处方药名称“{words}”，请改为“{detail}”",
    ),
    "pom.implied": (
        "“{words}” can only mean a prescription medicine here. Say “{detail}” instead",
        "“{words}”在此只能指处方药，请改为“{detail}”",
    ),
    "pressure.time": (
        "“{words}” hurries the reader. Take it out: a treatment is not to be decided in haste",
        "“{words}”催促对方尽快决定，请删去",
    ),
    "pressure.prize": (
        "“{words}” makes a treatment a prize or a reward. Take it out",
        "“{words}”把治疗当作奖品或奖励，请删去",
    ),
    "pressure.trivial": (
        "“{words}” makes light of a treatment. Say plainly what it involves",
        "“{words}”淡化了治疗的严肃性，请如实说明",
    ),
    "pressure.guarantee": (
        "“{words}” promises what nobody can. Say that results and risks vary",
        "“{words}”作出了无法保证的承诺，请说明效果与风险因人而异",
    ),
    "pressure.insecurity": (
        "“{words}” plays on how people feel about their looks. Take it out",
        "“{words}”利用了对容貌的不安，请删去",
    ),
    "pressure.young": (
        "“{words}” speaks to people under 18. News about treatments goes to adults only",
        "“{words}”面向未满 18 岁者。治疗资讯只能发给成年人",
    ),
    "pressure.recipient": (
        "“{words}” tells the reader about their own health. News says nothing about the person who gets it",
        "“{words}”涉及收信人自己的健康情况，资讯中不得提及",
    ),
    "claim.evidence": (
        "“{words}” claims a result. Name the evidence for it, or take it out",
        "“{words}”宣称了效果。请注明依据，或删去",
    ),
    "claim.picture": (
        "“{words}”: each picture needs the person's own consent to be shown",
        "“{words}”：每张图片都须取得本人同意公开",
    ),
    "claim.patient": (
        "“{words}” seems to name a patient. Take the name and the details out",
        "“{words}”似乎提及某位客人，请删去姓名和细节",
    ),
    "claim.fees": (
        "“{words}” is a price from which up. Say what every fee comes to",
        "“{words}”只写了起价，请写明全部必付费用",
    ),
    "required.identity": (
        "This does not say who it is from: {detail} is missing",
        "未写明发送方：缺少{detail}",
    ),
    "required.optout": (
        "This tells nobody how to stop it. Add “{detail}”",
        "未告知如何退订，请加上“{detail}”",
    ),
    "required.preferences": (
        "The link to the preference page is missing. Add {detail}",
        "缺少偏好设置页面的链接，请加上 {detail}",
    ),
    "required.consultation": (
        "“{words}” is named without the consultation that comes first. Say that a consultation comes first",
        "提到“{words}”，但未说明须先面诊，请补充",
    ),
    "required.terms": (
        "“{words}” is an offer without its terms. Say who may have it and until when",
        "“{words}”未写明优惠条款，请说明适用对象与期限",
    ),
    "health.leak": (
        "{detail}. Leave “{words}” out",
        "{detail}，请不要提及“{words}”",
    ),
    "link.personal": (
        "The link “{words}” carries personal details. Use a link without them",
        "链接“{words}”带有个人信息，请改用不含个人信息的链接",
    ),
    "link.health": (
        "The link “{words}” tells about somebody's health. Use a neutral link",
        "链接“{words}”透露了健康信息，请改用中性的链接",
    ),
    "link.host": (
        "“{words}” is not one of our own pages. Link to a page on the list",
        "“{words}”不在允许的链接名单内，请改用名单内的页面",
    ),
    "link.unlisted": (
        "“{words}” was not held against the list of our pages, since there is none yet",
        "尚未设置允许的链接名单，无法核对“{words}”",
    ),
    "command.reserved": (
        "“{words}” uses a word that stops messages. Choose another word for appointments",
        "“{words}”使用了退订指令，预约请改用其他字词",
    ),
    "sms.segments": (
        "This goes out as {detail}",
        "将拆分为{detail}发送",
    ),
}


def sentence(rule: str, language: str, words: str, detail: str) -> str:
    """The sentence for a finding; `language` "zh" or a tag under it gives Chinese, anything else English."""
    english, chinese = SENTENCES[rule]
    shown = " ".join(words.split())
    if len(shown) > _CUT:
        shown = shown[: _CUT - 1] + "…"
    # not str.format: the words are somebody's text and may hold braces
    chosen = chinese if language.lower().startswith("zh") else english
    return "".join({"words": shown, "detail": detail}.get(part, part) for part in _parts(chosen))


def _parts(template: str) -> list[str]:
    return template.replace("}", "{").split("{")
