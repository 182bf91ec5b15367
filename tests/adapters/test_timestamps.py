"""Timestamps of an authority on this machine: had, refused, and told apart from others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countersign.adapters.signing import read_certificates
from countersign.adapters.timestamps import Authority, NoTimestamp, TokenFault, check_token
from tests.support.authority import authority, make_ca

CONTENT = b"the manifest"


def test_a_token_is_had_and_checked_against_its_authority_and_no_other(tmp_path: Path) -> None:
    with authority(tmp_path / "tsa") as stamps:
        token = Authority(stamps.url, stamps.ca).stamp(CONTENT)
        found = check_token(token, CONTENT, read_certificates(stamps.ca))
        assert (found.trusted, found.by) == (True, "CN=tsa")
        assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=1)
        assert check_token(token, CONTENT, None).trusted is None
        (tmp_path / "other").mkdir()
        other = make_ca(tmp_path / "other", "Test Root")
        assert check_token(token, CONTENT, read_certificates(other)).trusted is False
        with pytest.raises(TokenFault, match="other bytes"):
            check_token(token, CONTENT + b"!", None)
        for junk in (b"", b"\x30\x00", token[:-3], b"x" * 300):
            with pytest.raises(TokenFault, match="not an RFC 3161"):
                check_token(junk, CONTENT, None)
        with pytest.raises(NoTimestamp, match="whose certificate is set"):
            Authority(stamps.url, other).stamp(CONTENT)


def test_an_authority_that_is_ill_odd_or_away_gives_no_token_and_a_sentence(tmp_path: Path) -> None:
    with authority(tmp_path / "tsa") as stamps:
        for mood, words in (("ill", "did not answer"), ("odd", "is not an RFC 3161 timestamp")):
            stamps.mood = mood
            with pytest.raises(NoTimestamp, match=words):
                Authority(stamps.url, None).stamp(CONTENT)
        url = stamps.url
    with pytest.raises(NoTimestamp, match="did not answer"):
        Authority(url, None, timeout_s=2).stamp(CONTENT)


def test_the_answer_to_another_request_is_refused(tmp_path: Path) -> None:
    with authority(tmp_path / "tsa") as stamps:
        Authority(stamps.url, None).stamp(CONTENT)
        stamps.mood = "stale"
        with pytest.raises(NoTimestamp, match="answers another request"):
            Authority(stamps.url, None).stamp(CONTENT)
