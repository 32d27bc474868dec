"""HTML mail to plain text, with the quoted part marked.

Hidden elements, scripts and styles go; nothing is fetched and no style is obeyed beyond "this is not shown". Large or
overgrown documents fall back to their bare text, so that time stays linear.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING, Any

from channels.mail.bounds import Limits

if TYPE_CHECKING:
    from inscriptis.model.config import ParserConfig

# Private-use characters that bracket a quotation in the converted text; stripped from what the sender wrote.
QUOTE_OPEN, QUOTE_CLOSE = "\ue0f0", "\ue0f1"
_BLANKS = re.compile(r"[ \t]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_MARKS = re.compile(f"[{QUOTE_OPEN}{QUOTE_CLOSE}]")

_DROPPED = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "embed", "svg", "math", "select"})
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:;|!|$)", re.I
)
# Tables in mail are layout; read as blocks they cost linear time, laid out as columns they do not.
_AS_BLOCK = frozenset(
    {"table", "tbody", "thead", "tfoot", "tr", "caption", "center", "form", "fieldset", "section", "article", "dl", "dt", "dd"}
)
_AS_WORD = frozenset({"td", "th"})
_QUOTE_CLASS = re.compile(
    r"(?:^|\s)(?:gmail_quote|gmail_quote_container|yahoo_quoted|moz-cite-prefix|protonmail_quote|zmail_extra|ntes_content_quote)(?:\s|$)"
)
_QUOTE_ID = re.compile(
    r"^(?:appendonsend|divRplyFwdMsg|isForwardContent|isReplyContent|reply-intro|mail-editor-reference-message-container|OLK_SRC_BODY_SECTION)$"
)
_SIGNATURE_CLASS = re.compile(r"(?:^|\s)(?:gmail_signature|moz-signature)(?:\s|$)")
# From these on, everything that follows is the quotation, not only what they enclose.
_QUOTE_REST_ID = frozenset({"appendonsend", "divRplyFwdMsg", "reply-intro"})


def to_text(source: str, limits: Limits) -> str:
    """The text a person sees, quotations bracketed by QUOTE_OPEN and QUOTE_CLOSE. Never raises."""
    source = _MARKS.sub("", source)
    if len(source) > limits.html_bytes:
        return bare_text(source)
    # Parsed only here: lxml and inscriptis are slow to import, and most mail needs neither.
    from lxml import etree  # type: ignore[import-untyped]
    from lxml import html as lxml_html

    try:
        parser = lxml_html.HTMLParser(encoding="utf-8", recover=True, no_network=True)
        tree = lxml_html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return bare_text(source)
    elements = list(tree.iter())
    if len(elements) > limits.html_elements:
        return bare_text(source)
    _prepare(elements)
    from inscriptis.html_engine import Inscriptis

    try:
        text = Inscriptis(tree, _config()).get_text()
    except RecursionError:
        return bare_text(source)
    return _tidy(text)


def bare_text(source: str) -> str:
    """The text between the tags, blocks on their own lines: linear, for documents beyond the bounds."""
    source = re.sub(r"(?is)<(script|style|head|title)\b[^>]{0,2000}>(?:(?!</\1\b).)*+(?:</\1\b[^>]{0,2000}>|\Z)", " ", source)
    source = re.sub(r"(?i)<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^>]{0,2000}>", "\n", source)
    source = re.sub(r"<[!/?a-zA-Z][^<>]*+>", " ", source)
    return _tidy(unescape(source))


def _prepare(elements: list[Any]) -> None:
    """Drop what is hidden, mark what is quoted, and take every attribute away: styles are not to be obeyed."""
    for element in elements:
        tag = element.tag
        if not isinstance(tag, str):
            continue
        if tag in _DROPPED or _is_hidden(element):
            _blank(element)
            continue
        if _is_quote(element):
            _mark(element)
        if tag in _AS_BLOCK:
            element.tag = "div"
        elif tag in _AS_WORD:
            element.tag = "span"
            element.tail = " " + (element.tail or "")
        element.attrib.clear()


def _is_hidden(element: Any) -> bool:
    if element.tag in ("html", "body"):
        return False
    return "hidden" in element.attrib or bool(_HIDDEN_STYLE.search(element.get("style") or ""))


def _blank(element: Any) -> None:
    """Empty an element but keep the text that follows it."""
    tail = element.tail
    element.clear()
    element.tail = tail
    element.tag = "span"


def _is_quote(element: Any) -> bool:
    classes, name = element.get("class") or "", element.get("id") or ""
    if element.tag == "blockquote" and (element.get("type") == "cite" or "cite" in element.attrib):
        return True
    return bool(_QUOTE_CLASS.search(classes) or _QUOTE_ID.match(name.removeprefix("x_")) or _SIGNATURE_CLASS.search(classes))


def _mark(element: Any) -> None:
    name = (element.get("id") or "").removeprefix("x_")
    element.text = QUOTE_OPEN + (element.text or "")
    if name not in _QUOTE_REST_ID:
        element.tail = QUOTE_CLOSE + (element.tail or "")


@lru_cache(maxsize=1)
def _config() -> ParserConfig:
    from inscriptis.html_properties import Display, WhiteSpace
    from inscriptis.model.config import ParserConfig
    from inscriptis.model.html_element import HtmlElement

    block = HtmlElement(display=Display.block)
    spaced = HtmlElement(display=Display.block, margin_before=1, margin_after=1)
    css = {"body": HtmlElement(display=Display.inline, whitespace=WhiteSpace.normal)}
    css |= dict.fromkeys(
        ("div", "li", "ul", "ol", "address", "blockquote", "header", "footer", "main", "nav", "aside", "figure", "hr"), block
    )
    css.update(dict.fromkeys(("p", "h1", "h2", "h3", "h4", "h5", "h6"), spaced))
    css["pre"] = HtmlElement(display=Display.block, whitespace=WhiteSpace.pre)
    return ParserConfig(css=css, display_links=False, display_images=False)


def _tidy(text: str) -> str:
    """No runs of blanks or of empty lines, none at the ends of lines."""
    text = _BLANKS.sub(" ", text.replace("\r", "").replace("\xa0", " "))
    return _EMPTY_LINES.sub("\n\n", text.replace(" \n", "\n")).strip("\n ")


def without_marks(text: str) -> str:
    """The whole text, quotations included."""
    return _MARKS.sub("", text)


def without_quotes(text: str) -> str:
    """The text outside the bracketed quotations; an opening mark without its closing one folds all that follows."""
    out: list[str] = []
    depth = 0
    for piece in re.split(f"([{QUOTE_OPEN}{QUOTE_CLOSE}])", text):
        if piece == QUOTE_OPEN:
            depth += 1
        elif piece == QUOTE_CLOSE:
            depth = max(0, depth - 1)
        elif not depth:
            out.append(piece)
    return "".join(out)
