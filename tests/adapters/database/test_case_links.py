"""Evidence handed from case to case: one person's, in one direction, and provable in the heir's bundle."""

import hashlib
import importlib.util
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.case_links import CannotLink
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Case, CaseLink, EventRow
from countersign.contracts.cases import ActKind, Role
from countersign.domain.bundle import verify_bundle
from tests.support.bundles import bare_bundle
from tests.support.company import NAME
from tests.support.outgoing import HR, NOW, Outgoing, outgoing

PICTURE = b"\x89PNG a certificate"
VERIFIER = Path(__file__).parents[3] / "docs" / "verify_bundle.py"


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path) as made:
        yield made


def stand_alone() -> Callable[[bytes], Any]:
    """Return the verifier that knows nothing of the product."""
    spec = importlib.util.spec_from_file_location("verify_bundle", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verify  # type: ignore[no-any-return]


def link(out: Outgoing, heir: str, other: str) -> tuple[int, str]:
    return out.parts.case_links.link(heir, other, "the same sick leave", HR)


def bundle(out: Outgoing, case_id: str, redact: bool = False) -> bytes:
    found = bare_bundle(out.parts, case_id, redact=redact)
    assert found is not None
    return found


def inherits(out: Outgoing, case_id: str) -> list[str]:
    found = out.parts.views.case(Scope(), case_id)
    assert found is not None
    return list(found["inherits"])


def certificate(out: Outgoing, case_id: str) -> None:
    """Let the employee ask for an extension in a case, with a picture."""
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    file = out.parts.documents.path(sha256)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(PICTURE)
    kept = StoredFile(sha256, "image/png", len(PICTURE), "certificate.png")
    out.act(ActKind.EXTENSION_ASKED, Role.EMPLOYEE, case_id, body={"on": "2026-03-10"}, files=(kept,))


def head_of(out: Outgoing, case_id: str) -> tuple[int, str]:
    last = max((row for row in out.rows(EventRow) if row.case_id == case_id), key=lambda row: row.seq)
    return last.seq, last.hash


def test_the_heirs_chain_names_the_head_of_the_other_chain(out: Outgoing) -> None:
    old, heir = out.case_id, out.second_case()
    out.send()
    head = head_of(out, old)
    assert link(out, heir, old) == head
    (event,) = out.events("case.linked", heir)
    assert (event["case"], event["length"], event["head"]) == (old, *head)
    assert out.events("case.linked", old) == []
    assert (inherits(out, heir), inherits(out, old)) == ([old], [])


def test_the_same_link_again_returns_what_was_kept_first(out: Outgoing) -> None:
    old, heir = out.case_id, out.second_case()
    first = link(out, heir, old)
    out.send()
    assert head_of(out, old) != first
    assert link(out, heir, old) == first
    assert len(out.rows(CaseLink)) == len(out.events("case.linked", heir)) == 1


def test_another_persons_evidence_is_refused(out: Outgoing) -> None:
    with pytest.raises(CannotLink, match="belongs to another person"):
        link(out, out.other_person(), out.case_id)
    assert out.rows(CaseLink) == []


def test_a_circle_is_refused_however_long(out: Outgoing) -> None:
    first, second = out.case_id, out.second_case()
    third = out.second_case(11)
    with pytest.raises(CannotLink, match="inherits from this case already"):
        link(out, first, first)
    link(out, second, first)
    link(out, third, second)
    for heir, other in ((first, second), (first, third)):
        with pytest.raises(CannotLink, match="name a case that came before it"):
            link(out, heir, other)
    assert len(out.rows(CaseLink)) == 2


def test_what_is_inherited_over_two_ways_is_inherited_once(out: Outgoing) -> None:
    root, left = out.case_id, out.second_case()
    right = out.second_case(11)
    heir = out.second_case(12)
    for case, other in ((left, root), (right, root), (heir, left), (heir, right)):
        link(out, case, other)
    found = inherits(out, heir)
    assert (sorted(found), found[-1]) == (sorted([left, right, root]), root)
    assert verify_bundle(bundle(out, heir)).ok


@pytest.mark.parametrize("redact", [False, True])
def test_the_heirs_bundle_holds_both_chains_and_both_verifiers_pass_it(out: Outgoing, redact: bool) -> None:
    old, heir = out.case_id, out.second_case()
    certificate(out, old)
    linked = link(out, heir, old)
    out.send(out.lay_out(heir))
    out.act(ActKind.ACKNOWLEDGED, Role.EMPLOYEE, old)  # the old chain grows on behind the link
    data = bundle(out, heir, redact)
    report = verify_bundle(data)
    assert report.ok, report.first_broken
    assert report.case == heir
    assert set(report.linked) == {old}
    assert report.linked[old].length > linked[0]
    assert stand_alone()(data)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        pictures = [opened.read(name) for name in opened.namelist() if name.startswith("files/")]
        told = b"".join(opened.read(name) for name in opened.namelist()).decode(errors="replace")
    assert pictures == ([] if redact else [PICTURE])
    assert (NAME in told) == (not redact)


def test_evidence_over_two_links_stands_in_the_last_heirs_bundle(out: Outgoing) -> None:
    first, second = out.case_id, out.second_case()
    third = out.second_case(11)
    link(out, second, first)
    link(out, third, second)
    report = verify_bundle(bundle(out, third))
    assert report.ok, report.first_broken
    assert set(report.linked) == {first, second}
    assert stand_alone()(bundle(out, third))


def test_an_inherited_chain_that_was_changed_afterwards_is_found(out: Outgoing) -> None:
    old, heir = out.case_id, out.second_case()
    out.send()
    link(out, heir, old)
    with out.parts.database.transaction() as session:
        row = session.get_one(EventRow, (old, 2))
        row.line = row.line.replace('"attempt":1', '"attempt":2').replace('"step":"', '"step":"x')
    assert not verify_bundle(bundle(out, heir)).ok


def test_a_closed_case_can_still_inherit_and_be_inherited(out: Outgoing) -> None:
    old, heir = out.case_id, out.second_case()
    for case in (old, heir):
        out.change(Case, case, state="closed", closed_at=NOW)
    link(out, heir, old)
    assert verify_bundle(bundle(out, heir)).ok
