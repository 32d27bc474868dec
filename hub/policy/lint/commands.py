"""Reply words: those that stop messages are never to be used for appointments (policy §3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_QUOTE = r"[\s:\"'“”«»「」*(\[]"
_VERB = (
    r"(?<!\w)(?:reply|replying|answer(?=\swith)|respond|text|send|type|press|sms)"
    rf"(?:\s(?:us|with|back|the word|just|only)){{0,2}}{_QUOTE}{{1,3}}"
)
_HAN_VERB = rf"(?:回复|回覆|发送|發送|回){_QUOTE}{{0,2}}"
_AND = rf"(?:[,;/，；]|(?<!\w)(?:or|and)(?!\w)|或){_QUOTE}{{0,3}}"
_CLAUSE_END = re.compile(r"[,;.!?，；。！？\n]|(?<!\w)(?:or|and)(?!\w)|或")
_SENTENCE_END = re.compile(r"[.!?。！？\n]")
_APPOINTMENT = re.compile(r"appointment|booking|visit|slot|place|attend|预约|預約|面诊|面診|时间|時間")
_REACH = 80  # characters looked at on either side of a command


def _patterns(words: Sequence[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    listed = "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))
    command = rf"(?P<word>{listed})(?![a-z0-9'-])"
    return re.compile(f"(?:{_VERB}|{_HAN_VERB}){command}"), re.compile(
        rf"{_AND}{command}(?=[\s\"'”*\])]{{0,3}}(?:to|for|if|=|确认|取消|改))"
    )


class CommandFinder:
    """Finds reserved words offered for anything but ending or starting news. words, about_news: folded."""

    def __init__(self, words: Sequence[str], about_news: Sequence[str]) -> None:
        self._first, self._next = _patterns(words)
        self._about_news = re.compile("|".join(rf"(?<![a-z]){re.escape(w)}" for w in about_news))

    def find(self, view: str) -> Iterator[tuple[int, int]]:
        """The span of each misused word in a folded text, from the verb ("reply") where there is one."""
        position = 0
        while match := self._first.search(view, position):
            position = match.end()
            if self._misused(view, match.start(), match.end()):
                yield match.span()
            stop = _SENTENCE_END.search(view, position, position + _REACH)
            end = stop.start() if stop else min(len(view), position + _REACH)
            while more := self._next.search(view, position, end):
                position = more.end()
                if self._misused(view, more.start("word"), more.end()):
                    yield more.span("word")

    def _misused(self, view: str, start: int, end: int) -> bool:
        stop = _CLAUSE_END.search(view, end, end + _REACH)
        purpose = view[end : stop.start() if stop else end + _REACH]
        if _APPOINTMENT.search(purpose):
            return True
        if purpose.strip(" \"'”*)]」»:"):
            return not self._about_news.search(purpose)
        before = _SENTENCE_END.split(view[max(0, start - _REACH) : start])[-1]
        return not self._about_news.search(before) or bool(_APPOINTMENT.search(before))
