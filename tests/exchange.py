"""Files carried in and out in tests, and what the tables hold before and after."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from matchmaker.core.db import ReadSession, Session
from matchmaker.core.sheets import FileFormat, ImportReport
from matchmaker.exchange.carrying import carry_in, lines_of, write_file
from matchmaker.exchange.kinds import Asked, ExchangeKind, Means
from matchmaker.released import Released

Transaction = Callable[[], AbstractAsyncContextManager[Session]]


def transactions(engine: AsyncEngine) -> Transaction:
    """Opens sessions of their own that commit."""

    @contextlib.asynccontextmanager
    async def open_one() -> AsyncIterator[Session]:
        async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
            yield Session(ReadSession(made))

    return open_one


async def imported(
    transaction: Transaction,
    content: bytes,
    kind: ExchangeKind,
    means: Means,
    *,
    format_: FileFormat = FileFormat.JSONL,
    asked: Asked | None = None,
) -> ImportReport:
    """What became of a file."""
    async with transaction() as session:
        return await carry_in(
            session, io.BytesIO(content), format_, kind=kind, means=means, asked=asked or Asked()
        )


async def exported(
    transaction: Transaction,
    released: Released,
    kind: ExchangeKind,
    format_: FileFormat = FileFormat.JSONL,
) -> bytes:
    """The file of all there is."""
    async with transaction() as session:
        lines = await lines_of(session, kind, None)
    return written(lines, released, kind, format_)


def written(
    lines: list[dict[str, Any]], released: Released, kind: ExchangeKind, format_: FileFormat
) -> bytes:
    """The lines as a file."""
    made = io.BytesIO()
    write_file(made, format_, kind=kind, lines=lines, fields=released.checker.fields)
    return made.getvalue()


def parsed(content: bytes) -> list[dict[str, Any]]:
    """The lines of a JSON Lines file."""
    return [json.loads(line) for line in content.splitlines()]


def jsonl_of(*lines: dict[str, Any]) -> bytes:
    """A JSON Lines file."""
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


async def rows(transaction: Transaction) -> dict[str, int]:
    """How many rows each table has."""
    async with transaction() as session:
        names = await session.scalars(
            text("select table_name from information_schema.tables where table_schema = 'mm'")
        )
        return {
            name: int(await session.scalar(text(f"select count(*) from mm.{name}")) or 0)  # noqa: S608
            for name in sorted(names)
        }
