"""The words of the page that ends news, per language. They say what ends and what does not, and promise nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNSUBSCRIBE_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "leave_title": "Unsubscribe",
        "leave_heading": "No more news from us?",
        "leave_lead": "One press, and it takes effect at once. You need not sign in or say why.",
        "leave_choice": "What shall end?",
        "leave_news": "All news",
        "leave_news_hint": "No offers, newsletters or invitations any more, on any channel. Answers to your own questions still reach you.",
        "leave_list": "News by email only",
        "leave_list_hint": "News on other channels goes on, where you asked for it.",
        "leave_all": "Every message",
        "leave_all_hint": "We never write to you again on any channel, not even to answer a question.",
        "leave_press": "Stop",
        "left_title": "Done",
        "left_heading": "Done",
        "left_news": "You get no more news from us, on any channel.",
        "left_list": "You get no more news from us by email.",
        "left_all": "We do not write to you any more, on any channel.",
        "left_note": "It took effect at once. A message that was already on its way may still arrive.",
        "left_mistake": "Pressed by mistake? What you agreed to before stays ended.",
        "left_again": "You can ask for news anew.",
        "leave_unclear": "Please choose what shall end. Nothing was changed yet.",
        "leave_later": "We could not note that just now. Please press once more in a moment; nothing was changed yet.",
    },
    "zh-Hans": {
        "leave_title": "退订",
        "leave_heading": "不再接收我们的资讯？",
        "leave_lead": "按一下即可，立即生效。无需登录，也无需说明原因。",
        "leave_choice": "您希望停止什么？",
        "leave_news": "全部资讯",
        "leave_news_hint": "所有渠道都不再发送优惠、通讯或邀请。您自己的提问，我们仍会回复。",
        "leave_list": "仅停止邮件资讯",
        "leave_list_hint": "您在其他渠道订阅的资讯会继续。",
        "leave_all": "所有消息",
        "leave_all_hint": "我们不再通过任何渠道联系您，也不再回复提问。",
        "leave_press": "停止",
        "left_title": "已完成",
        "left_heading": "已完成",
        "left_news": "您不会再在任何渠道收到我们的资讯。",
        "left_list": "您不会再收到我们的邮件资讯。",
        "left_all": "我们不会再通过任何渠道联系您。",
        "left_note": "已立即生效。此前已发出的消息可能仍会到达。",
        "left_mistake": "按错了？您之前的同意不会恢复。",
        "left_again": "您可以重新订阅资讯。",
        "leave_unclear": "请选择要停止的内容。目前没有任何更改。",
        "leave_later": "暂时无法记录。请稍后再按一次；目前没有任何更改。",
    },
}
