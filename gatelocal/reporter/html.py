"""What every page is made of: escaping of what others wrote, links, how it looks; it knows nothing of what it shows."""

from __future__ import annotations

from html import escape

from gatelocal.model.text import visible

SHOWN = 200
"""Characters of a text that others wrote."""
STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 0 1rem; }
body, td, .any { overflow-wrap: anywhere; }
th { overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; vertical-align: top; }
ol { padding-left: 1.5rem; }
.bad { color: #b00020; }
@media (prefers-color-scheme: dark) { .bad { color: #ff8a80; } }
"""


def text(value: object, most: int = SHOWN) -> str:
    """What others wrote: on one line, without what would turn the text around, at a bearable length."""
    shown = visible(str(value))
    return escape(shown if len(shown) <= most else f"{shown[:most]}…")


def link(url: object, words: object) -> str:
    """A link, if the address is one that a page may lead to; else the words alone."""
    address = str(url or "")
    if not address.startswith(("http://", "https://", "/")):
        return text(words)
    return f'<a href="{escape(address)}">{text(words)}</a>'


def page(title: str, head: str, body: str) -> str:
    """A whole page. :param head: more for its head, as HTML. :param body: as HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{text(title)}</title><link rel="icon" href="data:,">{head}</head><body>{body}</body></html>'
    )
