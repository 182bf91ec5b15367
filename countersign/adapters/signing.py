"""Signing manifests: a detached CMS signature, by a key of the installation's own or by one it was given."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID, PublicKeyAlgorithmOID

from countersign.ids import new_id

SELF_ISSUED = "Countersign self-issued"
"""How the name of every certificate begins that an installation has issued to itself."""

_YEARS = timedelta(days=3652)
_KEY_BITS = 3072
_PEM_MARK = b"-----BEGIN CERTIFICATE-----"


class SigningFault(ValueError):
    """A key, certificate or signature that is no good; the sentence says why."""


@dataclass(frozen=True)
class Signer:
    """A key with its certificate, and the certificates between that one and its authority."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    between: tuple[x509.Certificate, ...] = ()

    def sign(self, content: bytes) -> bytes:
        """Return a detached CMS signature (DER, SHA-256) of exactly these bytes.

        Without signed attributes, so that with an RSA key the same content gives the same signature; a time
        that the signer writes there himself would prove nothing.
        """
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(
            self.certificate,
            self.key,
            hashes.SHA256(),
            rsa_padding=padding.PKCS1v15() if isinstance(self.key, rsa.RSAPrivateKey) else None,
        )
        for certificate in self.between:
            builder = builder.add_certificate(certificate)
        options = [
            pkcs7.PKCS7Options.DetachedSignature,
            pkcs7.PKCS7Options.Binary,
            pkcs7.PKCS7Options.NoAttributes,
        ]
        return builder.sign(serialization.Encoding.DER, options)


@dataclass(frozen=True)
class Signed:
    """A signature that fits: by whom, and whether the signer issued the certificate to itself."""

    subject: str
    issuer: str
    fingerprint: str
    self_issued: bool
    certificate: x509.Certificate
    between: tuple[x509.Certificate, ...]


def own_signer(folder: Path, now: datetime) -> Signer:
    """Return the installation's own signer, made in `folder` when there is none yet (mode 600).

    The certificate says that it is self-issued; it lasts ten years.
    """
    file = folder / "evidence-signer.pem"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _place(file, _made(now))
    content = file.read_bytes()
    return _signer(content, content, file.name)


def given_signer(key_file: Path, certificate_file: Path) -> Signer:
    """Return the signer of the settings; certificates after the first are those of its authorities.

    Raises `SigningFault`, which names the file and never its content.
    """
    try:
        return _signer(key_file.read_bytes(), certificate_file.read_bytes(), key_file.name)
    except OSError as error:
        raise SigningFault(f"{error.filename}: cannot be read ({error.strerror}); check the path") from None


def check_signature(signature: bytes, content: bytes) -> Signed:
    """Check a detached signature against the content; raises `SigningFault` when it does not fit.

    Whether the certificate can be trusted is another question: see `trusted`.
    """
    try:
        raw, issuer, serial, algorithm, value = _parts_of(signature)
        certificates = [x509.load_der_x509_certificate(one) for one in raw]
        by = [c for c in certificates if (c.issuer.public_bytes(), c.serial_number) == (issuer, serial)]
        signers = [_described(c, tuple(other for other in certificates if other is not c)) for c in by]
        kinds, keys = [c.public_key_algorithm_oid for c in by], [c.public_key() for c in by]
    except Exception:  # a damaged certificate makes the library raise what it likes
        raise SigningFault("is not a CMS signature of the kind that a bundle holds") from None
    if len(by) != 1:
        raise SigningFault("does not hold the certificate of its signer")
    (key,) = keys
    try:
        if (kinds[0], algorithm) == (PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5, _RSA):
            assert isinstance(key, rsa.RSAPublicKey)  # noqa: S101  says the OID
            key.verify(value, content, padding.PKCS1v15(), hashes.SHA256())
        elif (kinds[0], algorithm) == (PublicKeyAlgorithmOID.EC_PUBLIC_KEY, _ECDSA):
            assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101  says the OID
            key.verify(value, content, ec.ECDSA(hashes.SHA256()))
        else:
            raise SigningFault("was made with a kind of key that bundles do not use")
    except InvalidSignature:
        raise SigningFault("is a signature of other bytes") from None
    if signers[0].self_issued and not _signed_by(by[0], by[0]):
        raise SigningFault("holds a certificate that names itself as issuer and that its key has not signed")
    return signers[0]


def _described(certificate: x509.Certificate, between: tuple[x509.Certificate, ...]) -> Signed:
    """Read of a certificate all that is told of it; ValueError where it is damaged."""
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Signed(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        fingerprint=fingerprint(certificate),
        self_issued=certificate.subject == certificate.issuer,
        certificate=certificate,
        between=between,
    )


def trusted(signed: Signed, roots: Sequence[x509.Certificate], at: datetime) -> bool:
    """Say whether a chain of certificates, all valid at `at`, leads from the signer to one of the roots."""
    return leads_to(signed.certificate, signed.between, roots, at)


def leads_to(
    certificate: x509.Certificate,
    between: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
) -> bool:
    """Say whether a chain, all valid at `at`, leads from a certificate over those between to a root."""
    known, current = [*between, *roots], certificate
    for _ in range(8):
        try:
            valid = current.not_valid_before_utc <= at <= current.not_valid_after_utc
        except ValueError:
            return False
        if not valid:
            return False
        if current in roots:
            return True
        above = next((one for one in known if _issued(one, current)), None)
        if above is None or above == current:
            return False
        current = above
    return False


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the certificate's SHA-256 in hex, as `openssl x509 -fingerprint -sha256` shows it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def read_certificates(file: Path) -> list[x509.Certificate]:
    """Return the certificates of a PEM file; raises `SigningFault`, which names it."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise SigningFault(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except ValueError:
        raise SigningFault(f"{file}: holds no certificate in PEM form") from None


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        may = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except Exception:  # none, or damaged ones: the library raises what it likes
        return False
    return may and _signed_by(issuer, certificate)


def _signed_by(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # another key or algorithm, or damaged: the library raises what it likes
        return False
    return True


def _made(now: datetime) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{SELF_ISSUED} {new_id()}")])
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(minutes=5))
        .not_valid_after(now.astimezone(UTC) + _YEARS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _place(file: Path, content: bytes) -> None:
    """Put a file in its place whole; of two processes that start at once the first one's stays."""
    handle, name = tempfile.mkstemp(dir=file.parent)  # mode 600
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    try:
        os.link(name, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)


def _signer(private: bytes, public: bytes, name: str) -> Signer:
    try:
        key = serialization.load_pem_private_key(private, password=None)
        certificates = x509.load_pem_x509_certificates(public[max(public.find(_PEM_MARK), 0) :])
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningFault(
            f"{name}: needs an unencrypted private key and a certificate, both in PEM form"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SigningFault(f"{name}: must be an RSA or elliptic-curve key")
    if _public(key.public_key()) != _public(certificates[0].public_key()):
        raise SigningFault(f"{name}: the key is not that of the first certificate")
    return Signer(key, certificates[0], tuple(certificates[1:]))


def _public(key: object) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined,no-any-return]


# -- the one structure that is read here: SignedData (RFC 5652 5.1) with one SignerInfo and no attributes ----


def _parts_of(signature: bytes) -> tuple[list[bytes], bytes, int, bytes, bytes]:
    """Return certificates, issuer (DER), serial number, algorithm (DER) and value of the only signature.

    ValueError unless the bytes are exactly those that these parts make: other algorithms, other encodings of
    the same and bytes after the end would be accepted by one reader and refused by the next.
    """
    signed_data = _children(_children(_children(signature)[0][2])[1][2])[0][2]
    within, info = _children(signed_data)[3], _children(_children(signed_data)[-1][2])[0]
    _, named, _, algorithm, value = _children(info[2])
    issuer, serial = _children(named[2])
    certificates = [whole for _, whole, _ in _children(within[2])]
    number = int.from_bytes(serial[2], "big", signed=True)
    written = _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))
    signer = _VERSION + _der(0x30, issuer[1] + written) + _SHA256 + algorithm[1] + _der(0x04, value[2])
    made = _VERSION + _der(0x31, _SHA256) + _der(0x30, _DATA) + _der(0xA0, b"".join(certificates))
    made += _der(0x31, _der(0x30, signer))
    if _der(0x30, _SIGNED_DATA + _der(0xA0, _der(0x30, made))) != signature:
        raise ValueError
    return certificates, issuer[1], number, algorithm[1], value[2]


_VERSION = bytes.fromhex("020101")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
_ECDSA = bytes.fromhex("300a06082a8648ce3d040302")


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    digits = b"" if size < 0x80 else size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits) if digits else size]) + digits + content


def _children(content: bytes) -> list[tuple[int, bytes, bytes]]:
    """Return the DER elements in these bytes: tag, whole element, content."""
    found, at = [], 0
    while at < len(content):
        tag, length, start = content[at], content[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(content[at + 2 : start], "big")
        if start + length > len(content):
            raise ValueError
        found.append((tag, content[at : start + length], content[start : start + length]))
        at = start + length
    return found
