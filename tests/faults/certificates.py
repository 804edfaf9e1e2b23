"""Certificates that a sandbox can show: one that is right, and three that are wrong."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

DAY = timedelta(days=1)
HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("wv0042.example.org")


def make_all(folder: Path) -> None:
    """PEM files in `folder`: `authority`, and `valid`, `expired`, `self-signed`, `wrong-host`.

    The last four hold their keys too, and all but `self-signed` come from the authority.
    """
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Authority of the tests")
    builder = _builder(name, key=key, issuer=name, since=now - 400 * DAY, until=now + DAY)
    authority = _signed(builder, issuer_key=key, issuer_public_key=key.public_key(), is_ca=True)
    _write(folder / "authority.pem", certificate=authority)

    def leaf(file: str, *, host: x509.GeneralName = HERE, days: int = 1) -> None:
        until = now + days * DAY
        own = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(file), key=own, issuer=name, since=until - 30 * DAY, until=until)
        certificate = _signed(
            builder, issuer_key=key, issuer_public_key=key.public_key(), host=host
        )
        _write(folder / f"{file}.pem", certificate=certificate, key=own)

    leaf("valid")
    leaf("expired", days=-1)
    leaf("wrong-host", host=ELSEWHERE)
    own = ec.generate_private_key(ec.SECP256R1())
    name = _name("self-signed")
    builder = _builder(name, key=own, issuer=name, since=now - DAY, until=now + DAY)
    certificate = _signed(builder, issuer_key=own, issuer_public_key=own.public_key(), host=HERE)
    _write(folder / "self-signed.pem", certificate=certificate, key=own)


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    *,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    since: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder,
    *,
    issuer_key: CertificateIssuerPrivateKeyTypes,
    issuer_public_key: ec.EllipticCurvePublicKey,
    host: x509.GeneralName | None = None,
    is_ca: bool = False,
) -> x509.Certificate:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public_key)
    builder = builder.add_extension(identifier, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), True)
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _write(
    path: Path, *, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None = None
) -> None:
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    if key is not None:
        pem += key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    path.write_bytes(pem)
