"""Text in XML documents: escaping, characters that XML 1.0 cannot hold, and small indented trees."""

import re

XMLTree = tuple[str, "str | list[XMLTree]"]

_TEXT_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATTRIBUTE_SPECIAL = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def escape_text(text: str) -> str:
    """Escape character data; characters that XML 1.0 forbids are left out."""
    return _TEXT_SPECIAL.sub(_escape, text) if _TEXT_SPECIAL.search(text) else text


def quote_attribute(text: str) -> str:
    """Escape an attribute value and put it in double quotes; characters that XML 1.0 forbids are left out."""
    return f'"{_ATTRIBUTE_SPECIAL.sub(_escape, text)}"' if _ATTRIBUTE_SPECIAL.search(text) else f'"{text}"'


def render_tree(tree: XMLTree, indent: str = "") -> str:
    """Render nested elements, two spaces per level; an element with text is one line."""
    name, content = tree
    if isinstance(content, str):
        return f"{indent}<{name}>{escape_text(content)}</{name}>\n"
    inner = "".join(render_tree(child, indent + "  ") for child in content)
    return f"{indent}<{name}>\n{inner}{indent}</{name}>\n"


def _escape(match: re.Match[str]) -> str:
    return _NAMED.get(match[0], "")
