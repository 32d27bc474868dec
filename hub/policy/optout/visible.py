"""What the person wrote now, of all that a message carries (policy §3.2 step 1, channels.md §2.1).

Cut: quoted mail, reply headers in many languages, Outlook blocks, forwarded blocks, signatures, device lines, chat
quotes. What follows a ">" quote is kept, for some people answer below. Our own footer sentences are found later, on
tokens (`grammar.FOOTERS`). Never shortens for display: staff see the whole message.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hub.policy.optout.normalise import RAW_HEAD, RAW_TAIL

_HEADER_WORDS = (
    r"wrote|writes|a écrit|schrieb|escribió|escribio|ha scritto|escreveu"
    r"|napisał\(a\)|napisał|napisała|scris|a scris|пишет|написал\(а\)|написала?"
    r"|yazdı|كتب|ने लिखा|نے لکھا|نوشت|schreef|skrev|写道|寫道|のメッセージ|작성|đã viết|เขียนว่า|menulis|έγραψε|כתב|пише|написав"
)
# "On Tue, 3 Nov 2026 at 10:12, Clinic <…> wrote:", over up to three lines; the closing colon may be full-width.
_WROTE_END = re.compile(rf"(?:{_HEADER_WORDS})[^\n]{{0,40}}[:：]\s*$", re.IGNORECASE)
_WROTE_HINT = re.compile(r"\d|@|<")
_BLOCK_LABELS = (
    r"from|sent|to|subject|date|cc|reply-to|de|envoyé|à|objet|enviado|para|asunto|von|gesendet|an|betreff|da|inviato|a|oggetto|assunto"
    r"|od|wysłano|do|temat|от|отправлено|кому|тема|дата|kimden|kime|konu|gönderildi|van|verzonden|aan|onderwerp|från|skickat|till|ämne"
    r"|发件人|发送时间|收件人|主题|寄件者|寄件人|傳送時間|收件者|主旨|主題|差出人|送信日時|宛先|件名|보낸 사람|받는 사람|제목"
    r"|من|إلى|الموضوع"
)
_BLOCK_LINE = re.compile(rf"^\s*\*?(?:{_BLOCK_LABELS})\*?\s?[:：]", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"^\s*(?:[-_*=]{2,}\s*(?:original message|forwarded message"
    r"|forwarded by|message d'origine|message original|message transféré|mensaje original"
    r"|mensaje reenviado|ursprüngliche nachricht|weitergeleitete nachricht|messaggio originale|messaggio inoltrato|mensagem original"
    r"|mensagem encaminhada|oryginalna wiadomość|wiadomość oryginalna|mesaj original|исходное сообщение|пересылаемое сообщение"
    r"|пересланное сообщение|orijinal ileti|iletilen ileti|原始邮件|原始郵件|转发的邮件|转发邮件|轉寄|原邮件|oorspronkelijk bericht"
    r"|ursprungligt meddelande|元のメッセージ|원본 메시지|الرسالة الأصلية|reply above this line|.{0,40}above this line)|_{20,}\s*$"
    r"|begin forwarded message:|début du message réexpédié"
    r"|anfang der weitergeleiteten|inicio del mensaje reenviado|inizio messaggio inoltrato)",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"^\s*(?:sent (?:from|via) (?:my|the|yahoo|outlook|mail|samsung|proton"
    r"|gmail)|get outlook for|envoyé (?:de|depuis) mon|von meinem .{1,20} gesendet"
    r"|gesendet von|enviado (?:desde|do|de) (?:mi|meu)|inviato (?:da|dal) (?:mio|iphone|ipad)|wysłane z|отправлено (?:с|из)|надіслано"
    r"|\S{1,15} gönderildi|trimis de pe|verstuurd vanaf|verzonden (?:met|vanaf)|skickat från|.{0,20}から送信|나의 \S{1,15} 보냄"
    r"|发自我的|發自我的|从我的.{1,12}发送|從我的.{1,12}傳送|أُ?رسلت? من)",
    re.IGNORECASE,
)
# A line copied out of a chat: "[24/11/2026, 10:22] Clinic: …".
_CHAT_LINE = re.compile(r"^\s*\[\d{1,4}[-./:]\d{1,2}[^\]\n]{0,24}\][^:\n]{1,40}:")
_CORNER_QUOTE = re.compile(r"\A\s*「[^」]{0,4000}」\s*\n(?:\s*[-—–]\s*){3,}\n")
# A text in lower case with none of these quotes nobody.
_MARKS, _WROTE, _ECRIT, _SENT = re.compile(r"[\n>「\[]"), "wrote", "écrit", "sent from"
_MAX_LINES_BLOCK = 6


class Visible(NamedTuple):
    """The kept text. pieces: (where it begins in `text`, where that was in the text received), in order."""

    text: str
    pieces: tuple[tuple[int, int], ...] = ((0, 0),)
    left_out: int = 0  # characters left out in the middle of a very long text, after RAW_HEAD

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the text as received."""
        return (self._place(start), self._place(end - 1) + 1) if end > start else (start, end)

    def _place(self, at: int) -> int:
        begins, was = next(piece for piece in reversed(self.pieces) if piece[0] <= at)
        place = was + at - begins
        return place + self.left_out if self.left_out and place > RAW_HEAD else place


def visible(text: str) -> Visible:
    """The person's own words in a text as received. Linear in the text; empty when all of it is quoted."""
    left_out = max(0, len(text) - RAW_HEAD - RAW_TAIL - 1)
    if left_out:
        text = text[:RAW_HEAD] + "\n" + text[-RAW_TAIL:]
    lowered = text.lower()
    if not (_MARKS.search(text) or _WROTE in lowered or _ECRIT in lowered or _SENT in lowered):
        return Visible(text, left_out=left_out)
    start = match.end() if (match := _CORNER_QUOTE.match(text)) else 0
    lines = text[start:].split("\n")
    kept: list[str] = []
    pieces: list[tuple[int, int]] = []
    at, length, gap = start, 0, True
    below = any(line.lstrip().startswith(">") for line in lines)
    number = 0
    while number < len(lines):
        line = lines[number]
        skip = _skipped(lines, number, below)
        if skip < 0:
            break
        if skip:
            at += sum(len(skipped) + 1 for skipped in lines[number : number + skip])
            number, gap = number + skip, True
            continue
        if gap:
            pieces.append((length, at))
            gap = False
        kept.append(line)
        length += len(line) + 1
        at += len(line) + 1
        number += 1
    if not kept:
        return Visible("")
    return Visible("\n".join(kept), tuple(pieces), left_out)


def _skipped(lines: list[str], number: int, below: bool) -> int:
    """How many lines from here are not the person's own; -1 for all that follows, 0 for none."""
    line = lines[number]
    if not line.strip():
        return 0
    if line.lstrip()[0] in ">＞|" and not line.lstrip().startswith("||"):
        return 1
    if line.rstrip("\r") in ("-- ", "--", "— "):
        return -1
    if _SEPARATOR.match(line):
        return -1
    if _DEVICE.match(line) or _CHAT_LINE.match(line):
        return 1
    if _BLOCK_LINE.match(line) and _is_block(lines, number):
        return -1
    if header := _wrote(lines, number):
        return header if below else -1
    return 0


def _is_block(lines: list[str], number: int) -> bool:
    """An Outlook head: three or more label lines together."""
    following = [line for line in lines[number : number + _MAX_LINES_BLOCK] if line.strip()]
    return sum(bool(_BLOCK_LINE.match(line)) for line in following) >= 3


def _wrote(lines: list[str], number: int) -> int:
    """How many lines a "… wrote:" head takes here; 0 when there is none."""
    for size in (1, 2, 3):
        if number + size > len(lines):
            return 0
        last = lines[number + size - 1]
        if len(last) > 400:
            return 0
        if last.rstrip().endswith((":", "：")) and _WROTE_END.search(last):
            head = "\n".join(lines[number : number + size])
            return size if _WROTE_HINT.search(head) else 0
        if not last.strip() or (size == 1 and not _WROTE_HINT.search(last)):
            return 0
    return 0
