"""A stream of JSON Lines as numbered lines, and one line as what its room declares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import IO, Any, Final, TypeVar

from matchmaker.core import wire
from matchmaker.core.errors import FieldFault, MatchmakerError
from matchmaker.core.language import Bilingual
from matchmaker.core.sheets.report import Faults

T = TypeVar("T")

LINE_LIMIT: Final = 1024 * 1024
"""The longest line read, in bytes, its end apart."""
_SKIP: Final = 64 * 1024
_LINES_BETWEEN_TURNS: Final = 100
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

REASONS: Final[Mapping[str, Bilingual]] = MappingProxyType(
    {
        "not_utf8": Bilingual(zh="该行不是 UTF-8 编码", en="the line is not UTF-8"),
        "nul": Bilingual(zh="该行含有空字符（NUL）", en="the line holds a NUL character"),
        "line_too_long": Bilingual(
            zh=f"该行超过 {LINE_LIMIT} 字节", en=f"the line is longer than {LINE_LIMIT} bytes"
        ),
        "invalid_json": Bilingual(zh="该行不是有效的 JSON", en="the line is not valid JSON"),
    }
)


class LineRefused(Exception):
    """A line that is no declaration; ``faults`` say why."""

    def __init__(self, *faults: FieldFault) -> None:
        super().__init__(*(found.code for found in faults))
        self.faults = faults


class Progress:
    """How far an import is, for whoever looks; counted in lines."""

    def __init__(self, total: int = 0) -> None:
        """Nothing done of ``total``."""
        self.total = total
        self.read = 0
        self.written = 0


def nobody() -> Progress:
    """A progress that nobody looks at."""
    return Progress()


def numbered(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number from 1 and without its end.

    A line longer than `LINE_LIMIT` comes cut, one byte too long; the rest of it is passed over.
    """
    number = 0
    while raw := stream.readline(LINE_LIMIT + 2):
        number += 1
        line = raw.rstrip(b"\r\n")
        if not raw.endswith(b"\n") and len(raw) > LINE_LIMIT:
            _pass_over(stream)
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.strip():
            yield number, line


def _pass_over(stream: IO[bytes]) -> None:
    while (rest := stream.readline(_SKIP)) and not rest.endswith(b"\n"):
        pass


def decoded(line: bytes, decode: Callable[[bytes], T]) -> T:
    """What ``decode`` makes of ``line``.

    Raises:
        LineRefused: with the first place that is wrong.
    """
    if len(line) > LINE_LIMIT:
        raise LineRefused(_fault("line_too_long"))
    if b"\0" in line:
        raise LineRefused(_fault("nul"))
    try:
        line.decode()
    except UnicodeDecodeError:
        raise LineRefused(_fault("not_utf8")) from None
    try:
        return decode(line)
    except MatchmakerError as error:
        raise LineRefused(*_faults(error)) from error


def declared(line: bytes, type_: type[T] | Any) -> T:  # noqa: ANN401  (msgspec takes any type form)
    """``line`` as one of its type.

    Raises:
        LineRefused: with the first place that is wrong.
    """

    def decode(raw: bytes) -> T:
        found: T = wire.decode(raw, type_)
        return found

    return decoded(line, decode)


async def read_all(
    stream: IO[bytes],
    type_: type[T],
    check: Callable[[T], Iterator[FieldFault]],
    *,
    faults: Faults,
    progress: Progress,
) -> list[tuple[int, T]]:
    """Every line of its type, also one that ``check`` finds fault with; other tasks get turns."""

    def decode(raw: bytes) -> T:
        return declared(raw, type_)

    return await read_each(stream, decode, check, faults=faults, progress=progress)


async def read_each(
    stream: IO[bytes],
    decode: Callable[[bytes], T],
    check: Callable[[T], Iterator[FieldFault]],
    *,
    faults: Faults,
    progress: Progress,
) -> list[tuple[int, T]]:
    """What ``decode`` makes of every line it does not refuse; as `read_all`."""
    found: list[tuple[int, T]] = []
    for number, raw in numbered(stream):
        progress.read += 1
        try:
            line = decode(raw)
        except LineRefused as refused:
            faults.add(number, refused.faults)
        else:
            faults.add(number, check(line))
            found.append((number, line))
        if progress.read % _LINES_BETWEEN_TURNS == 0:
            await asyncio.sleep(0)
    return found


class Repeats:
    """Says where a name stands for the second time."""

    def __init__(self) -> None:
        """Nothing seen."""
        self._seen: set[object] = set()

    def faults(self, key: object, name: str, at: str = "#/external_id") -> Iterator[FieldFault]:
        """A fault at ``at`` if ``key``, told as ``name``, was seen before."""
        if key in self._seen:
            said = Bilingual(zh=f"“{name}”重复出现", en=f"{name!r} stands twice")
            yield FieldFault(at, "repeated_external_id", said)
        self._seen.add(key)


def batches(items: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """``items``, ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _faults(error: MatchmakerError) -> tuple[FieldFault, ...]:
    if error.errors:
        return tuple(error.errors)
    if isinstance(error, wire.UnreadableJson):
        return (_fault("invalid_json"),)
    return (FieldFault("#", error.slug, error.detail or error.title),)


def _fault(code: str) -> FieldFault:
    return FieldFault("#", code, REASONS[code])
