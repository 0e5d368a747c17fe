"""A server of providers' protocols: HTTP/2 over TLS, with a certificate made for the test. What it is sent is kept; what it answers is told.

It checks what every provider would: that the client speaks HTTP/2, and what `check` of a provider's own says.
"""

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError


@dataclass
class Request:
    """One request, whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Request], Reply]


class ProviderServer:
    """Runs in a thread of its own for the length of a `with` block. `answering` decides what becomes of a request."""

    def __init__(self, folder: Path, answering: Answering) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.answering = answering
        self.certificate = folder / "certificate.pem"
        self._context = _tls(folder / "key.pem", self.certificate)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def client_context(self) -> ssl.SSLContext:
        """Trusts this server and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Protocol(self), "127.0.0.1", 0, ssl=self._context)


class _Protocol(asyncio.Protocol):
    def __init__(self, server: ProviderServer) -> None:
        self._server = server
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._requests: dict[int, Request] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections += 1
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            transport.abort()
            return
        self._h2.initiate_connection()
        transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self._transport.abort()
            return
        for event in events:
            if isinstance(event, RequestReceived):
                headers = dict(event.headers)
                self._requests[event.stream_id] = Request(headers.pop(":method"), headers.pop(":path"), headers)
            elif isinstance(event, DataReceived):
                self._requests[event.stream_id].body += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self._answer(event.stream_id)
            elif isinstance(event, ConnectionTerminated):
                self._transport.close()
        self._transport.write(self._h2.data_to_send())

    def _answer(self, stream_id: int) -> None:
        request = self._requests.pop(stream_id)
        self._server.requests.append(request)
        reply = self._server.answering(request)
        self._h2.send_headers(stream_id, [(":status", str(reply.status)), *reply.headers.items()], end_stream=not reply.body)
        if reply.body:
            self._h2.send_data(stream_id, reply.body, end_stream=True)


def _tls(key_file: Path, certificate_file: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"provider in {key_file.parent.name}")])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password))
    certificate_file.write_bytes(certificate.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    context.set_alpn_protocols(["h2"])
    return context
