"""Somebody else's server, as webhooks meet them: it answers, fails, hangs, redirects, is gone."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import random
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REDIRECTED: Final = "/elsewhere"


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None


@dataclass
class Sink:
    """A server that keeps what it receives and answers by the path that was asked for."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    draw: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    answered: Callable[[Received], str] | None = None
    """The path that is answered for, where it is not the one that was asked for."""

    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/ok", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            found = await _request(reader, writer)
            self.received.append(found)
            await self._answer(self.answered(found) if self.answered else found.path, writer)
        writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/hang":
            await self.closing.wait()
            return
        if path == "/garbage":
            writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        elif path == "/cut":
            writer.write(b"HTTP/1.1 2")
        elif path == "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self.closing.is_set():
                writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                await writer.drain()
        elif path == "/drip":
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while not self.closing.is_set():
                writer.write(b"X-Drip: 1\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        else:
            writer.write(_head(path))
        await writer.drain()


def _head(path: str) -> bytes:
    status = int(path.split("/")[2]) if path.startswith(("/status/", "/later/")) else 200
    more = f"Location: {REDIRECTED}\r\n" if 300 <= status < 400 else ""
    if path.startswith("/later/"):
        more += f"Retry-After: {unquote(path.split('/')[3])}\r\n"
    return f"HTTP/1.1 {status} X\r\n{more}Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n".encode()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        name.lower(): value
        for name, _, value in (line.partition(": ") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    handshake = writer.get_extra_info("ssl_object")
    name = getattr(handshake, "asked_for", None)
    return Received(head[0].split(" ")[1], headers, body, name)


@contextlib.asynccontextmanager
async def sink(secure: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    """A sink on a port of this machine."""
    made = Sink()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=secure)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.closing.set()
        server.close()


def authority(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """How a server of this name shows itself, and how a client trusts it and nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    with contextlib.suppress(ValueError):
        names = [x509.IPAddress(ipaddress.ip_address(name))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, kept = folder / f"{name}.pem", folder / f"{name}.key"
    shown.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    kept.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(shown, kept)

    def note(handshake: ssl.SSLObject, asked_for: str | None, _: ssl.SSLContext) -> None:
        setattr(handshake, "asked_for", asked_for)  # noqa: B010  (a note of the test)

    server.sni_callback = note
    return server, ssl.create_default_context(cafile=str(shown))
