"""Bytes that should be XML → elements, with a note on each thing that is not as it should be; no entity is expanded.

What is well-formed is read by the standard library's parser. What is not is first cleaned of the characters that XML
cannot hold, and then, if that is not enough, read tag by tag: a place that makes no sense counts as text. Tags and
attributes lose their namespaces, because writers of JUnit files put any there. It knows nothing of tests but one rule:
an element of the kind that is to be read whole is left out when its end is missing.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers import expat

from gatelocal.model.text import NOT_XML

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})")
_ONE_BYTE_PER_SIGN = re.compile(r"utf-8|ascii|iso8859-\d+|cp\d+|koi8-\w|gb\w+|big5\w*|shift_jis\w*|euc_\w+|mac-\w+")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]{1,8})|#([0-9]{1,8})|(lt|gt|amp|quot|apos));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ATTRIBUTE = re.compile(r"([^\s<>/=\"'&]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))")
_TAG = re.compile(
    r"<(?:/(?P<end>[^\s<>/=\"'&!?]+)\s*+>"
    r"|(?P<start>[^\s<>/=\"'&!?]+)"
    r"(?P<attributes>(?:\s++[^\s<>/=\"'&]+\s*+=\s*+(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+?(?=[\s>]|/>)))*+)\s*+(?P<empty>/?)>)"
)
_LOOKS_LIKE_TAG = re.compile(r"</?[A-Za-z]")
_DEEPEST = 200


class Refused(ValueError):
    """The document defines entities: what they mean could grow without bound or name other files."""


@dataclass(slots=True)
class Markup:
    """What was read: each document's root, in order, and notes. :ivar cut: elements that were begun and not ended."""

    roots: list[Element] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cut: int = 0


def read(data: bytes, whole: str) -> Markup:
    """Read a file, well-formed or not.

    :param whole: the tag of elements that are left out when their end is missing.
    :raises Refused: it defines entities.
    """
    found = Markup()
    text = _decoded(data, found.notes)
    if _strict(text, found):
        text = _cleaned(text, found.notes)
        if error := _strict(text, found):
            found.notes.append(f"not JUnit XML throughout: {error}")
            _Reader(text, found, whole).run()
    return found


def _decoded(data: bytes, notes: list[str]) -> str:
    name = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if name is None:
        declared = _DECLARED.search(data[:4096])
        name = _known(declared[1].decode("ascii")) if declared else "utf-8"
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        text = data.decode(name, "replace")
        lost = text.count("\ufffd")
        notes.append(f"it is not {name.removesuffix('-sig')} throughout: what stood in {lost} places is lost")
        return text


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        return "utf-8"
    return name if _ONE_BYTE_PER_SIGN.fullmatch(name) else "utf-8"


def _cleaned(text: str, notes: list[str]) -> str:
    """Without characters that XML cannot hold, written as they are or as references."""
    text, plain = NOT_XML.subn("", text)
    lost = 0

    def kept(found: re.Match[str]) -> str:
        nonlocal lost
        if _character(found[1], found[2]):
            return found[0]
        lost += 1
        return ""

    text = _REFERENCE.sub(kept, text)
    if plain + lost:
        notes.append(f"characters that XML cannot hold are left out of it, {plain + lost} in all")
    return text


def _character(hexadecimal: str | None, decimal: str | None) -> str:
    """The character of a reference; empty when XML has none of that number."""
    number = int(hexadecimal, 16) if hexadecimal else int(decimal or "0")
    return "" if number > 0x10FFFF or NOT_XML.match(chr(number)) else chr(number)


def _strict(text: str, found: Markup) -> str:
    """Read a well-formed document; of another, what is wrong with it."""
    try:
        typed = _looked_over(text)
        root = fromstring(text)  # noqa: S314 (what could be unsafe has just been refused)
    except Refused:
        raise
    except (expat.ExpatError, ParseError, ValueError) as error:
        return str(error) or type(error).__name__
    for element in root.iter():
        element.tag = _local(element.tag)
        if any("}" in name for name in element.attrib):
            element.attrib = {_local(name): value for name, value in element.attrib.items()}
    found.roots.append(root)
    if typed:
        found.notes.append("its document type is passed over")
    return ""


def _looked_over(text: str) -> bool:
    """Whether there is a document type. :raises Refused: it has an inner part, or defines an entity."""
    typed = False

    def document_type(name: str, system: str | None, public: str | None, inner: int) -> None:
        nonlocal typed
        typed = True
        if inner:
            raise Refused(f"it has a document type ({name}) with definitions of its own, which is refused")

    def entity(name: str, *_: object) -> None:
        raise Refused(f"it has a document type that defines the entity {name}, which is refused")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = document_type
    parser.EntityDeclHandler = entity
    parser.Parse(text, True)
    return typed


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


class _Reader:
    """Reads tag by tag what is not well-formed."""

    def __init__(self, text: str, found: Markup, whole: str) -> None:
        self._text = text
        self._found = found
        self._whole = whole
        self._open: list[Element] = []
        self._buffer: list[str] = []
        self._skipped = 0
        self._cut = 0
        self._missing: set[str] = set()

    def run(self) -> None:
        at = 0
        while True:
            begin = self._text.find("<", at)
            if begin < 0:
                break
            self._words(_unescaped(self._text[at:begin]))
            at = self._markup(begin)
        self._words(_unescaped(self._text[at:]))
        self._close(0)
        if self._skipped:
            self._found.notes.append(f"{self._skipped} of its tags make no sense and count as text")
        if self._cut:
            self._found.cut = self._cut
            self._found.notes.append(f"{self._cut} of its tests are cut off and left out")

    def _markup(self, at: int) -> int:
        """Take what begins with ``<`` at that place; where it ends."""
        for begin, end in (("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>")):
            if self._text.startswith(begin, at):
                return self._section(at, begin, end)
        if self._text.startswith("<!DOCTYPE", at):
            end_of_type = self._text.find(">", at)
            if "[" in self._text[at : end_of_type + 1]:
                raise Refused("it has a document type with definitions of its own, which is refused")
            self._found.notes.append("its document type is passed over")
            return end_of_type + 1 if end_of_type >= 0 else len(self._text)
        tag = _TAG.match(self._text, at)
        if tag is None:
            self._skipped += 1 if _LOOKS_LIKE_TAG.match(self._text, at) else 0
            self._words("<")
            return at + 1
        if tag["end"]:
            self._end(_local(tag["end"]))
        else:
            self._start(_local(tag["start"]), tag["attributes"], empty=bool(tag["empty"]))
        return tag.end()

    def _section(self, at: int, begin: str, end: str) -> int:
        inner = at + len(begin)
        stop = -1 if end in self._missing else self._text.find(end, inner)
        if stop < 0:
            self._missing.add(end)
            self._skipped += 1
            return inner
        if begin == "<![CDATA[":
            self._words(self._text[inner:stop])
        return stop + len(end)

    def _start(self, tag: str, attributes: str, *, empty: bool) -> None:
        self._flush()
        depth = next((at for at, one in enumerate(self._open) if one.tag == self._whole), None)
        if tag == self._whole and depth is not None:
            self._close(depth)
        values = {_local(n): _unescaped(a or b or c) for n, a, b, c in _ATTRIBUTE.findall(attributes)}
        element = Element(tag, values)
        if self._open:
            self._open[-1].append(element)
        else:
            self._found.roots.append(element)
        if not empty and len(self._open) < _DEEPEST:
            self._open.append(element)

    def _end(self, tag: str) -> None:
        depth = next((at for at in reversed(range(len(self._open))) if self._open[at].tag == tag), None)
        if depth is None:
            return
        self._close(depth + 1)
        self._flush()
        self._open.pop()

    def _close(self, depth: int) -> None:
        """Close what is open from that depth on, though its end was not seen."""
        self._flush()
        while len(self._open) > depth:
            element = self._open.pop()
            if element.tag == self._whole and len(element) == 0:
                self._cut += 1
                if self._open:
                    self._open[-1].remove(element)
                else:
                    self._found.roots.remove(element)

    def _words(self, words: str) -> None:
        if words and self._open:
            self._buffer.append(words)

    def _flush(self) -> None:
        """Put the words since the last tag where they belong."""
        words = "".join(self._buffer)
        self._buffer.clear()
        if not words or not self._open:
            return
        last = self._open[-1]
        if len(last):
            last[-1].tail = (last[-1].tail or "") + words
        else:
            last.text = (last.text or "") + words


def _unescaped(text: str) -> str:
    """With XML's own entities resolved; others stay as they stand."""
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda found: _NAMED.get(found[3] or "") or _character(found[1], found[2]), text)
