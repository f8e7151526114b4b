"""Compressed bodies, unpacked in pieces of a bounded size: a small one may unpack to more than the memory there is."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

PIECE = 65_536
HEAD = 2
GZIP_OR_ZLIB, BARE_DEFLATE = 47, -15
"""What zlib is to expect."""


class Unpacker:
    """gzip or deflate, the latter with or without zlib's frame, as servers send it (RFC 9110, section 8.4.1.2)."""

    def __init__(self) -> None:
        self._head = b""
        self._zlib = zlib.decompressobj(wbits=GZIP_OR_ZLIB)

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        """What comes of it, in pieces. Raises `httpx.DecodingError`."""
        if len(self._head) < HEAD:
            packed = self._head = self._head + packed
            if len(packed) < HEAD:
                return
            self._zlib = zlib.decompressobj(wbits=GZIP_OR_ZLIB if _is_framed(packed) else BARE_DEFLATE)
        while packed:
            if self._zlib.eof:  # a gzip may have several members
                self._zlib = zlib.decompressobj(wbits=GZIP_OR_ZLIB)
            try:
                chunk = self._zlib.decompress(packed, PIECE)
            except zlib.error as error:
                raise httpx.DecodingError("This cannot be decompressed.") from error
            packed = self._zlib.unconsumed_tail or self._zlib.unused_data
            yield chunk

    def end(self) -> None:
        """There is no more. Raises `httpx.DecodingError` where there should be."""
        if self._head and not self._zlib.eof:
            raise httpx.DecodingError("This was cut off.")


def _is_framed(packed: bytes) -> bool:
    """Whether this begins like gzip (RFC 1952) or zlib (RFC 1950)."""
    return packed[:HEAD] == b"\x1f\x8b" or (
        packed[0] & 0x0F == zlib.DEFLATED and int.from_bytes(packed[:HEAD]) % 31 == 0
    )
