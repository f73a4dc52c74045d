"""HTML that escapes by construction: what `tag` did not make is text."""

import html
from collections.abc import Iterable


class Html(str):
    """Markup. Only `tag` and `joined` make it; any other text put into them is escaped."""

    __slots__ = ()


VOID = frozenset({"meta", "link", "input", "br"})
Inside = str | None
Attribute = str | int | bool | None


def tag(name: str, /, *inside: Inside, **attributes: Attribute) -> Html:
    """One element. An attribute's trailing `_` falls away, other `_` become `-`; None and False leave it out."""
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Html(opening if name in VOID else f"{opening}{joined(inside)}</{name}>")


def joined(parts: Iterable[Inside], between: str = "") -> Html:
    return Html(_escaped(between).join(_escaped(part) for part in parts if part is not None))


def _escaped(part: str) -> str:
    return part if isinstance(part, Html) else html.escape(part)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
