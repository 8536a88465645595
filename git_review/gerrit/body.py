"""The body of an HTTP answer, no larger than a limit, neither as it comes nor unpacked; knows nothing of its meaning.

`requests` would take in all of an answer, and unpack a few KB to gigabytes; here both are given up at the limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

LARGEST = 32 << 20
"""Bytes. A page of a hundred changes with all of their patchsets, labels and messages has a tenth of it."""

ENCODINGS = "gzip, deflate"
"""What is asked for: what is unpacked here."""

_PIECE = 65536
_WITH_A_HEADER, _BARE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class TooLarge(Exception):
    """The answer is larger than the limit; its rest was not read."""


class Garbled(Exception):
    """The answer is packed in another way than asked for, or breaks off."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. :ivar headers: their names in any case. :ivar body: unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none is replaced."""
        return self.body.decode("utf-8", "replace")


def taken(response: requests.Response, largest: int = LARGEST) -> Answer:
    """The whole answer of a request that was sent with ``stream=True``.

    :param largest: bytes, of what comes and of what that unpacks to. :raises TooLarge: it has more.
    :raises Garbled: it cannot be unpacked. :raises requests.RequestException: it breaks off, or does not come in time.
    """
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    packed = bytearray()
    try:
        for piece in response.raw.stream(_PIECE, decode_content=False):
            packed += piece
            if len(packed) > largest:
                raise TooLarge
    except ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    finally:
        response.close()
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    return Answer(response.status_code, response.headers, _unpacked(bytes(packed), coding, largest))


def _unpacked(packed: bytes, coding: str, largest: int) -> bytes:
    if coding in ("", "identity") or not packed:
        return packed
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Garbled(f"packed as {coding!r}, which was not asked for")
    # "deflate" is zlib's format by the specification, and without its header by some servers.
    bare = coding == "deflate" and not (packed[0] & 0x0F == 8 and int.from_bytes(packed[:2]) % 31 == 0)
    try:
        return _inflated(packed, _BARE if bare else _WITH_A_HEADER, largest)
    except zlib.error as error:
        raise Garbled(str(error)) from error


def _inflated(packed: bytes, bits: int, largest: int) -> bytes:
    """All members of it. :raises zlib.error: it is broken, or breaks off."""
    found = bytearray()
    left = packed
    while left:
        member = zlib.decompressobj(bits)
        found += member.decompress(left, largest + 1 - len(found))
        if len(found) > largest:
            raise TooLarge
        if not member.eof:
            raise zlib.error("the packed answer breaks off")
        left = member.unused_data
    return bytes(found)
