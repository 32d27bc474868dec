"""Bytes to text when the label is missing, unknown or wrong. Never raises and never drops a byte's worth of text
while some charset can read it; latin-1 with replacement is the last resort.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decoded:
    """text, the charset that read it, and whether it had to be guessed against or without the label."""

    text: str
    charset: str
    guessed: bool = False


# Only these are decoded by name: the codec registry also holds "punycode", "unicode_escape" and the like, whose
# time is not linear or whose output is not what the sender wrote.
_KNOWN = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "iso-2022-jp", "iso-2022-jp-2", "iso-2022-kr", "hz",
    "gb18030", "big5", "big5hkscs", "cp932", "euc_jp", "cp949", "johab", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254",
    "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "koi8-r", "koi8-u", "cp437", "cp850", "cp852", "cp866", "mac-roman",
    "mac-cyrillic", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-10",
    "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16", "ptcp154", "kz1048", "tis-620",
)  # fmt: skip
_BY_NAME = {codecs.lookup(name).name: name for name in _KNOWN}

# What senders write, and the superset that reads what they mean (WHATWG Encoding Standard, "names and labels").
_ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "cp936": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "ksc5601": "cp949",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "ansi": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "x-cp1252": "cp1252",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "x-big5": "big5",
    "cn-big5": "big5",
    "big5-hkscs": "big5hkscs",
    "macintosh": "mac-roman",
    "x-mac-roman": "mac-roman",
    "hz-gb-2312": "hz",
}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SINGLE_BYTE_WESTERN = frozenset({"cp1252"})
_SAMPLE = 4096


def decode(data: bytes, label: str | None) -> Decoded:
    """The text of `data`, whose sender called its charset `label` (None: said nothing)."""
    name = _codec(label)
    for mark, codec in _BOMS:
        if data.startswith(mark) and (text := _strict(data, codec)) is not None:
            return Decoded(text, codec)
    wide = name is not None and name.startswith(("utf-16", "utf-32"))
    if data.isascii() and (name in (None, "utf-8", "cp1252") or (wide and b"\0" not in data)) and b"\x1b" not in data:
        return Decoded(data.decode("ascii"), "us-ascii" if wide or name is None else name, wide)
    # Western labels are the mail program's default rather than a statement: UTF-8 that is valid is UTF-8.
    if (name is None or name in _SINGLE_BYTE_WESTERN) and (text := _strict(data, "utf-8")) is not None and b"\x1b" not in data:
        return Decoded(text, "utf-8", name is not None)
    if name == "big5" and (text := _strict(data, "big5hkscs")) is not None:
        return Decoded(text, name)
    if name is not None and name not in _SINGLE_BYTE_WESTERN and (text := _strict(data, name)) is not None:
        return Decoded(text, name)
    return _guess(data, name)


def _codec(label: str | None) -> str | None:
    """The codec a label means; None when we do not know it."""
    if not label:
        return None
    key = label.strip().strip("\"'").lower()[:40]
    key = _ALIASES.get(key, key)
    if not key.isascii() or not key.replace("-", "").replace("_", "").isalnum():
        return None
    try:
        found = codecs.lookup(key).name
    except (LookupError, ValueError):
        return None
    return _BY_NAME.get(found)


def _strict(data: bytes, codec: str) -> str | None:
    """The text, or None. UTF-7 lets lone surrogates through, which could be stored nowhere: they count as broken."""
    try:
        text = data.decode(codec)
        if codec == "utf-7":
            text.encode("utf-8")
    except (UnicodeError, ValueError):
        return None
    return text


# Tried in this order; at equal scores the earlier one wins.
_CANDIDATES = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "cp1251", "koi8-r", "cp1252", "cp1256", "cp1253", "cp1255")


def _guess(data: bytes, named: str | None) -> Decoded:
    if b"\x1b$" in data and (text := _strict(data, "iso-2022-jp-2")) is not None:
        return Decoded(text, "iso-2022-jp-2", named != "iso-2022-jp-2")
    if (text := _strict(data, "utf-8")) is not None:
        return Decoded(text, "utf-8", True)
    if named is not None and named not in _SINGLE_BYTE_WESTERN and (text := _nearly(data, named)) is not None:
        return Decoded(text, named, True)
    sample = data[:_SAMPLE]
    western = _western_share(sample)
    scored = [(_score(sample, codec), -index, codec) for index, codec in enumerate(_CANDIDATES)]
    if named in _SINGLE_BYTE_WESTERN and western:
        return Decoded(_cp1252(data), "cp1252")
    for score, _, codec in sorted(scored, reverse=True):
        if score > 0 and not (codec != "cp1252" and western) and (text := _strict(data, codec)) is not None:
            return Decoded(text, codec, True)
    return Decoded(_cp1252(data), "cp1252", named is None)


def _nearly(data: bytes, codec: str) -> str | None:
    """The text when the label is right but for a few broken bytes, which are marked; None when it is simply wrong."""
    text = data.decode(codec, "replace").encode("utf-8", "replace").decode("utf-8")
    broken = text.count("\ufffd")
    sound = sum(1 for char in text if char > "\x7f") - broken
    # UTF-8 hardly ever decodes by accident; double-byte charsets do, so they must be nearly whole.
    return text if sound >= (2 if codec == "utf-8" else 20) * broken else None


def _cp1252(data: bytes) -> str:
    """windows-1252 with its five holes filled from latin-1, so that every byte gives a character."""
    text = _strict(data, "cp1252")
    return text if text is not None else data.decode("latin-1")


def _western_share(sample: bytes) -> bool:
    """Single accented letters between ASCII ones: how Western text looks, and no double-byte text does."""
    high = [i for i, byte in enumerate(sample) if byte >= 0x80]
    if not high:
        return True
    known = set(high)
    lone = sum(1 for i in high if i - 1 not in known and i + 1 not in known)
    return lone / len(high) > 0.75


def _score(sample: bytes, codec: str) -> float:
    """How much the sample reads like text of that charset's languages: between -1 and 1."""
    text = sample.decode(codec, "ignore") if sample[-1:] and sample[-1] >= 0x80 else _strict(sample, codec)
    if text is None:
        return -1.0
    letters = [c for c in text if ord(c) >= 0x80]
    if not letters or len(text.encode(codec, "ignore")) < len(sample) - 2:
        return -1.0
    return sum(_weight(c, codec) for c in letters) / len(letters)


_FREQUENT_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔"
    "這個們來為國說時會對過發後裡種麼學現當沒動開樣進實軍無與長機將兩間問並應戰頭體見產員東聲題爾別變總電數報結務場計資許統區隊決馬書則聽卻達強難權張該規萬覺術領確傳師觀讓識帶導爭運請謝諮詢價錢預約時間您好吗嗎想知道多少钱咨询预约谢谢请唔係嘅喺"
)

_FREQUENT_HANGUL = frozenset(
    "이다는가에을의하고은기한를지도로사어서자나리시해인대아있안일그것게라들만니과수부정전요습면여으원상까감주보세녕문비용얼마"
)


def _weight(char: str, codec: str) -> float:
    point = ord(char)
    if codec in ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949"):
        if codec in ("cp932", "euc_jp") and 0x3040 <= point <= 0x30FF:
            return 1.0
        if codec == "cp949" and 0xAC00 <= point <= 0xD7A3:
            return 1.0 if char in _FREQUENT_HANGUL else 0.5
        if char in _FREQUENT_HAN:
            return {"cp932": 0.8, "euc_jp": 0.8, "cp949": -0.2}.get(codec, 1.0)
        if 0x3000 <= point <= 0x303F or 0xFF00 <= point <= 0xFF60:
            return 0.6
        # Modern Korean hardly uses Han characters, so they speak against it.
        return (-0.4 if codec == "cp949" else 0.25) if 0x4E00 <= point <= 0x9FFF else -0.6
    if codec in ("cp1251", "koi8-r"):
        return (0.75 if char.islower() else 0.1) if 0x400 <= point <= 0x45F else -0.6
    if codec in ("cp1253", "cp1255", "cp1256"):
        low, top = {"cp1253": (0x370, 0x3FF), "cp1255": (0x590, 0x5FF), "cp1256": (0x600, 0x6FF)}[codec]
        return 0.5 if low <= point <= top else -0.5
    return 0.3 if char in "£€–—‘’“”•…äöüßÄÖÜéèêàáâçñóòôúùíìîãõåøæ«» \xa0" else -0.2
