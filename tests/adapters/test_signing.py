"""The installation's signature: made once, accepted by openssl, and named for what it is."""

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from countersign.adapters.signing import (
    SigningFault,
    check_signature,
    given_signer,
    own_signer,
    read_certificates,
    trusted,
)
from tests.support.authority import issue, make_ca, openssl

NOW = datetime(2026, 2, 13, tzinfo=UTC)
CONTENT = b'{"case":"X"}\r\nno line is mended'


def test_the_own_key_is_made_once_kept_secret_and_says_that_it_is_self_issued(tmp_path: Path) -> None:
    signer = own_signer(tmp_path / "secrets", NOW)
    again = own_signer(tmp_path / "secrets", NOW + timedelta(days=9))
    assert again.certificate == signer.certificate
    (file,) = (tmp_path / "secrets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    name = signer.certificate.subject.rfc4514_string()
    assert name.startswith("CN=Countersign self-issued 01")
    lasts = signer.certificate.not_valid_after_utc - NOW
    assert timedelta(days=3650) < lasts < timedelta(days=3655)
    signature = signer.sign(CONTENT)
    assert signature == again.sign(CONTENT)
    found = check_signature(signature, CONTENT)
    assert (found.self_issued, found.subject) == (True, name)
    with pytest.raises(SigningFault, match="other bytes"):
        check_signature(signature, CONTENT + b" ")
    assert not trusted(found, [], NOW)


def test_openssl_accepts_the_signature_and_shows_the_certificate(tmp_path: Path) -> None:
    signer = own_signer(tmp_path, NOW)
    content, signature, shown = tmp_path / "manifest.json", tmp_path / "manifest.sig", tmp_path / "by.pem"
    content.write_bytes(CONTENT)
    signature.write_bytes(signer.sign(CONTENT))
    check = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", content]
    check += ["-noverify", "-signer", shown, "-out", tmp_path / "out"]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0
    assert b"Countersign self-issued" in openssl("x509", "-in", shown, "-noout", "-subject")
    content.write_bytes(CONTENT[:-1])
    assert subprocess.run(check, capture_output=True, check=False).returncode != 0


def test_a_given_key_is_trusted_through_its_authority_while_its_certificate_lasts(tmp_path: Path) -> None:
    ca = make_ca(tmp_path, "Root")
    issue(tmp_path, "hr", "keyUsage=critical,digitalSignature\n")
    signer = given_signer(tmp_path / "hr.key", tmp_path / "hr.pem")
    found = check_signature(signer.sign(CONTENT), CONTENT)
    roots, now = read_certificates(ca), datetime.now(UTC)
    assert not found.self_issued
    assert trusted(found, roots, now)
    assert not trusted(found, roots, now + timedelta(days=25))
    (tmp_path / "other").mkdir()
    assert not trusted(found, read_certificates(make_ca(tmp_path / "other", "Root")), now)


def test_a_signer_that_is_no_authority_vouches_for_nobody(tmp_path: Path) -> None:
    make_ca(tmp_path, "Root")
    issue(tmp_path, "hr", "basicConstraints=CA:FALSE\n")
    leaf = x509.load_pem_x509_certificate((tmp_path / "hr.pem").read_bytes())
    (tmp_path / "ca.pem").write_bytes((tmp_path / "hr.pem").read_bytes())
    (tmp_path / "ca.key").write_bytes((tmp_path / "hr.key").read_bytes())
    issue(tmp_path, "false", "keyUsage=critical,digitalSignature\n")
    signer = given_signer(tmp_path / "false.key", tmp_path / "false.pem")
    assert not trusted(check_signature(signer.sign(CONTENT), CONTENT), [leaf], datetime.now(UTC))


def test_files_that_are_no_good_are_named_and_their_content_is_not(tmp_path: Path) -> None:
    make_ca(tmp_path, "Root")
    issue(tmp_path, "one", "keyUsage=digitalSignature\n")
    issue(tmp_path, "two", "keyUsage=digitalSignature\n")
    junk = tmp_path / "junk.pem"
    junk.write_text("secret words")
    for key, certificate, words in (
        (tmp_path / "one.key", tmp_path / "two.pem", "one.key: the key is not that of the first certificate"),
        (junk, tmp_path / "one.pem", "junk.pem: needs an unencrypted private key"),
        (tmp_path / "none.key", tmp_path / "one.pem", "none.key: cannot be read"),
    ):
        with pytest.raises(SigningFault, match=words) as refused:
            given_signer(key, certificate)
        assert "secret words" not in str(refused.value)
    with pytest.raises(SigningFault, match="holds no certificate"):
        read_certificates(junk)
