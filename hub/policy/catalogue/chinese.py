"""The refusals in Simplified Chinese: written, not translated; no subject for staff (looks §8).

Templates hold no space around a slot: one is put in where Han and Latin letters or figures meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.model.permission import Reason
from hub.policy.catalogue.entry import Entry

FULL_STOP, COMMA = "。", "，"


def _row(said: str | tuple[str, ...], remedy: str | tuple[str, ...] = (), *, joint: str | None = FULL_STOP) -> Entry:
    return Entry(_tuple(said), _tuple(remedy), joint if remedy else None)


def _tuple(words: str | tuple[str, ...]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else words


_AGAIN = ("收到{name}的新消息后即可在此回复", "收到对方的新消息后即可在此回复")
_ONLY_A_BOX = "须由本人勾选同意"

CHINESE: Final[Mapping[Reason, Entry]] = {
    Reason.ALLOW: _row("可以发送"),
    # their wish
    Reason.STOP_ALL: _row(("{name}要求我们完全停止联系", "对方要求我们完全停止联系"), "只有本人来信才能恢复"),
    Reason.STOP_CHANNEL: _row(
        ("{name}要求我们不再通过{channel}联系", "{name}要求我们不再通过此渠道联系", "对方要求我们不再通过此渠道联系"), _AGAIN
    ),
    Reason.SUPPRESSED: _row(("{name}已停止接收我们的所有资讯", "对方已停止接收我们的所有资讯"), "提问仍可回复", joint=COMMA),
    Reason.OBJECTED: _row(("{name}反对将个人资料用于此目的", "对方反对将个人资料用于此目的"), "须本人另行表示并记录在案"),
    Reason.RESTRICTED: _row("个案处理期间已暂停", "仅可就个案联系", joint=COMMA),
    Reason.ERASURE_PENDING: _row(("{name}已要求删除资料", "对方已要求删除资料"), "由资料权利专员答复", joint=COMMA),
    Reason.ERASED: _row("已按本人要求删除资料", "对方再次来信时将建立新会话", joint=COMMA),
    Reason.DECEASED: _row(("记录显示{name}已离世，或情况不明", "记录显示对方已离世，或情况不明"), "仅可就资料权利个案联系经核实的代表"),
    # no ground
    Reason.NO_INVITATION: _row(("{name}未邀请我们通过{channel}联系", "{name}未邀请我们使用此渠道", "对方未邀请我们使用此渠道"), _AGAIN),
    Reason.CROSS_CHANNEL: _row(
        ("{name}未邀请我们使用此渠道", "对方未邀请我们使用此渠道"),
        ("表单中选择的是{other}答复", "请使用对方选择的渠道答复"),
        joint=COMMA,
    ),
    Reason.NO_ANSWER: _row("已有两条回复等待对方，再发会造成打扰", _AGAIN, joint=None),
    Reason.NO_CONSENT: _row(("从未同意接收{channel}资讯", "从未同意接收此类资讯"), _ONLY_A_BOX, joint=None),
    Reason.CONSENT_UNPROVEN: _row("无法证明该同意所依据的文字", "须重新取得同意并保存所示文字", joint=COMMA),
    Reason.CONSENT_EXPIRED: _row(("该同意已超过{months}个月", "该同意已过有效期"), _ONLY_A_BOX, joint=None),
    Reason.CONSENT_UNCONFIRMED: _row("该同意尚未从此地址确认", "对方点击确认链接后生效", joint=COMMA),
    Reason.NO_SOFT_OPTIN: _row("该次购买不足以发送此类资讯，法定条件不全", _ONLY_A_BOX),
    Reason.HEALTH_SELECTION: _row("收件人按治疗记录选出，或选择方式不明", "请改按对方选择的主题发送"),
    Reason.NOT_RELEVANT: _row(("同意的内容是{agreed}，不是{sent}", "同意的内容与此主题不符"), "请发送给选择了此主题的人", joint=None),
    Reason.COUNTRY: _row(("不得向{country}发送资讯", "不得向该国家或地区发送资讯"), "须由管理员先设置当地规则", joint=COMMA),
    Reason.NO_RELATION: _row(
        ("没有可通过{channel}联系{name}的预约或治疗", "没有可在此渠道联系的预约或治疗"), "请使用预约时的渠道，或只答复提问"
    ),
    Reason.NO_CASE: _row("没有涉及此人的未结个案", "请先建立个案", joint=COMMA),
    Reason.NO_NOTICE: _row("此通知已发送过，或与对方无关", "仅可发送新的重要变更"),
    Reason.NO_FRESH_FORM: _row("刚才未在表单中勾选，或已向此地址询问过", "可请对方重新提交表单"),
    # time
    Reason.WINDOW: _row(("自由回复已于{time}结束", "自由回复时间已结束"), "可发送一条已批准的模板", joint=COMMA),
    Reason.WINDOW_USED: _row("对方上次来信后的自由回复次数已用完", "对方再次来信后可继续回复", joint=COMMA),
    Reason.QUIET: _row("对方当地正值夜间", ("改为{time}发送？", "改为当地早上发送？"), joint=COMMA),
    Reason.CAP: _row(("本周已收到{count}条资讯", "已达资讯发送上限"), ("下一条可在{time}发送", "下一条须稍后发送"), joint=COMMA),
    Reason.ACK_USED: _row("此会话今天已自动答复过", "可由人工回复", joint=COMMA),
    Reason.OOC_USED: _row("停止联系已确认过一次，不再重复"),
    Reason.OOC_LATE: _row("已过确认时限，停止联系仍然有效"),
    Reason.PAUSED: _row("发送已暂停", "可由管理员恢复", joint=COMMA),
    Reason.STORE_DOWN: _row("暂时无法确认是否可以发送", ("文字已保存，{wait}后自动重试", "文字已保存，稍后自动重试")),
    # the text
    Reason.MISLABELLED: _row("这段文字像是推广", ("请删去“{words}”后再发送", "请删去推广内容后再发送")),
    Reason.POM: _row("文中出现处方药名称", ("请改为“{instead}”", "请删去，并改为介绍咨询服务"), joint=COMMA),
    Reason.CONTENT: _row("文字催促或诱导读者，或图片未获本人同意", ("请删去“{words}”后再发送", "请删去后再发送"), joint=COMMA),
    Reason.FOOTER: _row("未写明发送方或退订方式", ("请补上{missing}", "请补上名称和退订方式后再发送"), joint=COMMA),
    Reason.HEALTH_LEAK: _row("{preview}会显示在锁屏上", "请不要提及具体治疗", joint=COMMA),
    # care
    Reason.UNDER_18: _row("资讯只能发给成年人，对方未满 18 岁"),
    Reason.AGE_UNKNOWN: _row("资讯只能发给成年人，对方年龄未经确认", "可在下次到诊时询问出生日期"),
    Reason.UNDER18_PROCEDURE: _row(("{name}写道“{words}”", "该项目仅限成年人，对方年龄未经确认"), "请转交医生处理", joint=COMMA),
    Reason.NOT_CLINICIAN: _row("紧急安全通知须由具名医生说明理由后发出", "请转交医生处理", joint=COMMA),
    # broken
    Reason.BAD_ADDRESS: _row("该地址已失效", "请向对方索取新地址", joint=COMMA),
    Reason.NO_ROUTE: _row(("目前无法通过{channel}发送", "目前无法在此渠道发送"), "请管理员检查账户及处理者登记", joint=COMMA),
    Reason.BAD_INPUT: _row("无法理解此请求", "未发送任何内容，请重试或报告问题"),
    Reason.NO_RULE: _row("没有允许发送的规则", "未发送任何内容，请管理员查看"),
    # machines
    Reason.AUTO_INBOUND: _row("对方的自动回复不会得到自动答复", "可由人工回复", joint=COMMA),
    Reason.BOT_BARRED: _row("来信内容须由人工处理，不作自动答复", "可由人工回复"),
}
