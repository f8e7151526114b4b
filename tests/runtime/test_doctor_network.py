"""Where the way to an API ends, step by step, over real sockets and real certificates."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from telefonica_mcp.runtime.doctor.findings import Finding
from telefonica_mcp.runtime.doctor.network import reach
from telefonica_mcp.runtime.transport import open_http
from tests.runtime.doors import free_port

pytestmark = pytest.mark.anyio
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def certificate(folder: Path, *, host: str, ends: dt.datetime) -> Path:
    """A certificate that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "127.0.0.1":
        names = [x509.IPAddress(ipaddress.ip_address(host))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 30 * DAY)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    kind = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@contextmanager
def https(file: Path) -> Iterator[str]:
    """A server that shows the certificate and answers 404."""
    import http.server  # noqa: PLC0415 - only here

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def reached(url: str) -> list[Finding]:
    async with open_http() as http:
        return await reach(http, "apim", url)


CERTIFICATES: Mapping[str, tuple[str, dt.datetime, bool, str]] = {
    "unknown authority": ("127.0.0.1", NOW + DAY, False, "signed by itself"),
    "expired": ("127.0.0.1", NOW - DAY, True, "has expired"),
    "another host": ("apis.acme.cl", NOW + DAY, True, "is for another host"),
}


@pytest.mark.parametrize(("host", "ends", "trusted", "said"), CERTIFICATES.values(), ids=CERTIFICATES)
async def test_a_certificate_that_is_refused_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, host: str, ends: dt.datetime, trusted: bool, said: str
):
    file = certificate(tmp_path, host=host, ends=ends)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with https(file) as url:
        [finding] = await reached(url)
    assert finding.level == "problem"
    assert said in finding.what
    assert finding.remedy


async def test_a_certificate_of_an_own_authority_is_accepted_as_the_remedy_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = certificate(tmp_path, host="127.0.0.1", ends=NOW + DAY)
    with https(file) as url:
        [before] = await reached(url)
        assert "SSL_CERT_FILE" in before.remedy
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        [after] = await reached(url)
    assert (after.level, "certificate valid" in after.what) == ("ok", True)


async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What an HTTP server says to whoever begins with TLS."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def test_each_step_that_fails_has_its_own_words():
    [refused] = await reached(f"http://127.0.0.1:{free_port()}")
    assert "refuses the connection" in refused.what
    [unknown] = await reached("http://no-such-host.invalid")
    assert "cannot be resolved" in unknown.what
    async with await asyncio.start_server(no_tls, "127.0.0.1", 0) as server:
        [plain] = await reached(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert "does not speak TLS" in plain.what
