"""A throw-away certificate authority for the peers that speak TLS."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "Certificate"]

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """The PEM files of a server certificate and its private key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """A server-side TLS context with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """A test CA that keeps its files in `directory`; `ca_file` is what a client must trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority, trust nowhere")
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(_pem(self._sign_itself()))

    def client_context(self) -> ssl.SSLContext:
        """A client-side TLS context that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def good(self) -> Certificate:
        """A certificate for localhost and 127.0.0.1 that a client accepts."""
        return self._issue("good", names=("localhost",), address="127.0.0.1")

    def expired(self) -> Certificate:
        """A certificate for the right names that ended yesterday."""
        return self._issue("expired", names=("localhost",), address="127.0.0.1", ends=-_DAY)

    def misnamed(self) -> Certificate:
        """A valid certificate for another host."""
        return self._issue("misnamed", names=("elsewhere.example",))

    def named(self, name: str) -> Certificate:
        """A valid certificate for a host, as if it were that one's."""
        return self._issue("named", names=(name,))

    def at(self, address: str) -> Certificate:
        """A valid certificate for an address of this machine."""
        return self._issue("at", names=("localhost",), address=address)

    def _issue(
        self, stem: str, *, names: tuple[str, ...], address: str = "", ends: dt.timedelta = _DAY * 30
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(_name(names[0]), key.public_key(), ends).add_extension(
            _alternatives(names, address), critical=False
        )
        files = Certificate(self._directory / f"{stem}.pem", self._directory / f"{stem}.key")
        files.certificate.write_bytes(_pem(certificate.sign(self._key, hashes.SHA256())))
        files.key.write_bytes(_private_pem(key))
        return files

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, ends: dt.timedelta, *, ca: bool = False
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY * 60)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        return builder.add_extension(_usage(ca=ca), critical=True)

    def _sign_itself(self) -> x509.Certificate:
        builder = self._builder(self._name, self._key.public_key(), _DAY * 30, ca=True)
        return builder.sign(self._key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternatives(names: tuple[str, ...], address: str) -> x509.SubjectAlternativeName:
    general: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    if address:
        general.append(x509.IPAddress(ipaddress.ip_address(address)))
    return x509.SubjectAlternativeName(general)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
