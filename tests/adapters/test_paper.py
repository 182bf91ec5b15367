"""Notices on paper: the same bytes for the same notice, every character or a refusal, and no markup."""

import hashlib
import re
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.adapters.paper import MissingGlyphs, Paper, Press
from tests.support.boxes import folder_of_a_font

PRESS = Press()
ROOT = Path(__file__).parents[2]
NOTO = Path("/usr/share/fonts/opentype/noto")
OUTSIDE = "𠮷"
"""Written in family names (𠮷田), and in no table of standard characters."""

TEXT = "张伟（工号 E1042），您好：\n\n您的病假已于2026年2月13日结束。\n1. 我将返岗；\n\n示例公司\n北京"
PAPER = Paper(
    title="返岗通知书",
    text=TEXT,
    language="zh-CN",
    company="示例公司",
    branch="北京",
    recipient="张伟",
    reference="01KHA8T0A0C4D5E6F7G8H9JKMN",
    fingerprint=hashlib.sha256(TEXT.encode()).hexdigest(),
    at=datetime(2026, 3, 12, 9, 0, tzinfo=timezone(timedelta(hours=8))),
    slip=True,
    service_address="北京市朝阳区某某路 1 号",
    consent_on=date(2025, 1, 2),
)

IN_TABLE = (
    "㧐㧟䏝𬉼㤘𠳐䥽䁖𥻗䦃㸆𠙶𬣙𨙸𬇕䜣𬣞𬘓𫭟𫭢㧑𫇭𫐄㕮𫵷㑇𣲘𣲗𬇙㳇𬣡𫸩䢺𨚕𫘜𬘘𫘝䢼𦭜㭎𬨂𬀩𬀪㟃𬬩㑊𫍣𬣳𬩽𬮿"
    "𬯀𫰛𬳵𬳶䌹𫠊㛃𬍛𬜬𦰡㭕䴓䶮𪾢𪨰𫓧𬬮𬬱𬬭𦙶㶲㳚㳘𬘡𬳽𬘩𫄧𪟝𬍤𫭼𬜯䓖𬂩𫠆𨐈𬌗𫑡𪨶𬬸𬬻𬬹𬬿𬭁𫢸𫗧𬊈𬒈𨺙㛚"
    "𬳿𫄨𬘫䂮𫮃㙍䓫䓬䓨䓛䴕㫰𬱖𬟽䎃𫓯𫟹𫟼㿠䝙䏲𠅤䴔𬇹𬍡㥄𬤇𫍯𬤊𫍲𬯎𬘬"
)
"""Rare characters of the Table of General Standard Chinese Characters, from the extensions A to E."""
IN_FIRST_BLOCK = (
    "堃喆燊犇骉淼甯龑翀彧祎槑烎嫑忈瓩兛囧靐龘曌橤槀淛瀞瑨昇濬鎏堺祕逹甦脩睺翾譞靇珺珏璟澍晳栱堦皐皞睿昪"
    "旻旸晞暐暠朢枬柟桢棪楙榘樾橚櫆殷毓沄沨泂泓洧洺浥淏"
)
"""Rare characters of names, from the first block."""


def text_of(pdf: bytes) -> str:
    """Return all text of a PDF without blanks and line ends, where programs differ."""
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return bare("".join(pages))


def bare(text: str) -> str:
    """Return the text without blanks and line ends; pdfium says U+FFFE for a hyphen at the end of a line."""
    return re.sub(r"\s", "", unicodedata.normalize("NFC", text).replace("\ufffe", "-"))


def pages_of(pdf: bytes) -> int:
    with pypdfium2.PdfDocument(pdf) as document:
        return len(document)


def test_the_same_notice_is_the_same_bytes_and_another_one_is_not() -> None:
    first = PRESS.print(PAPER)
    assert Press().print(PAPER) == first
    assert PRESS.print(PAPER) == first
    assert PRESS.print(replace(PAPER, recipient="张三")) != first


def test_another_process_prints_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import hashlib, sys; from tests.adapters.test_paper import PAPER, PRESS; "
        "print(hashlib.sha256(PRESS.print(PAPER)).hexdigest())"
    )
    # Another seed of hashes and another zone: neither may reach the page.
    environment = {
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "7",
        "TZ": "America/New_York",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == hashlib.sha256(PRESS.print(PAPER)).hexdigest()


def test_threads_may_print_at_once() -> None:
    papers = [replace(PAPER, recipient=f"张{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        printed = list(pool.map(PRESS.print, papers))
    assert printed == [PRESS.print(paper) for paper in papers]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_page_says_the_whole_text_its_fingerprint_its_number_and_who_signs(language: str) -> None:
    said = text_of(PRESS.print(replace(PAPER, language=language)))
    body = TEXT.removesuffix("\n\n示例公司\n北京")
    for part in (
        PAPER.title,
        body,
        PAPER.reference,
        PAPER.fingerprint,
        "示例公司北京",
        PAPER.service_address,
    ):
        assert bare(str(part)) in said
    assert f"{PAPER.fingerprint[:8]}…{PAPER.fingerprint[-4:]}" in said
    words = {
        "zh-CN": [
            "第1页，共1页",
            "签收栏",
            "与收件人关系",
            "公司盖章",
            "2026年3月12日",
            "电子送达同意：2025年1月2日",
        ],
        "en": ["Page1of1", "Relationtotheaddressee", "Companyseal", "Date:12March2026", "2January2025"],
    }
    for word in words[language]:
        assert word in said


def test_a_signed_confirmation_is_cited_with_its_hash() -> None:
    signed = replace(PAPER, consent_on=None, signed_on=date(2026, 1, 5), signed_sha256="ab" * 30 + "cdef")
    said = text_of(PRESS.print(signed))
    assert "送达确认书签署于：2026年1月5日SHA-256abababab…cdef" in said
    assert "电子送达同意" not in said


def test_only_a_letter_has_the_slip_for_the_receipt() -> None:
    said = text_of(PRESS.print(replace(PAPER, slip=False)))
    assert "签收栏" not in said
    assert "公司盖章" not in said
    assert "日期：2026年3月12日" in said


def test_the_document_is_marked_as_an_archive_copy_and_bears_the_time_of_the_notice() -> None:
    pdf = PRESS.print(PAPER)
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in pdf
    with pypdfium2.PdfDocument(pdf) as document:
        told = document.get_metadata_dict()
    assert told["CreationDate"] == "D:20260312010000Z"
    assert told["Title"] == PAPER.title


MARKUP = r"""#let x = 1 #read("/etc/passwd") *b* _i_ `c` $x^2$ @a <b> = h - i + j / k: \ \u{41}
 ~ -- --- ... // c /* d */
"q" 'z' [e] {f} https://example.com/a%20b?c=d&e=f#g \#h # * _ $ @ & % ^ ~"""


def test_markup_is_text() -> None:
    said = text_of(PRESS.print(replace(PAPER, text=MARKUP, title="#t *u* $v$ @w", recipient='"#x"\\')))
    for part in (MARKUP, "#t *u* $v$ @w", '"#x"\\'):
        assert bare(part) in said


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("#*_$@&%^~`'\"\\/<>[]{}()=+-:;,.!?|aZ09张伟，。 \n\t"), max_size=300))
def test_any_mix_of_markup_comes_out_verbatim(text: str) -> None:
    assert bare(text) in text_of(PRESS.print(replace(PAPER, text=text, company="x", slip=False)))


def test_long_words_stay_on_the_page() -> None:
    words = "W" * 400 + "\nhttps://example.com/" + "a/b?c=d&" * 60
    with pypdfium2.PdfDocument(PRESS.print(replace(PAPER, text=words))) as document:
        page = document[0]
        text, width = page.get_textpage(), page.get_width()
        rights = [text.get_charbox(number)[2] for number in range(text.count_chars())]
        assert max(rights) < width - 50
    assert bare(words) in text_of(PRESS.print(replace(PAPER, text=words)))


def test_twenty_pages_are_numbered_and_whole_and_the_date_stands_with_the_company() -> None:
    long = "\n\n".join(f"第{number}段。" + "您的假期已经结束，请答复您的安排。" * 14 for number in range(130))
    pdf = PRESS.print(replace(PAPER, text=f"{long}\n\n示例公司\n北京"))
    pages = pages_of(pdf)
    assert pages >= 20
    said = text_of(pdf)
    for number in (1, pages):
        assert f"第{number}页，共{pages}页" in said
    assert "示例公司北京日期：2026年3月12日" in said
    for number in range(130):
        assert f"第{number}段。" in said


# -- characters -------------------------------------------------------------------------------------------


def test_two_hundred_rare_characters_of_names_are_all_drawn() -> None:
    rare = IN_TABLE + IN_FIRST_BLOCK
    assert len(set(rare)) == len(rare) >= 200
    assert PRESS.missing(rare) == ()
    assert rare in text_of(PRESS.print(replace(PAPER, text=rare)))


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("recipient", "the name"),
        ("service_address", "the service address"),
        ("company", "the company"),
        ("branch", "the branch"),
        ("title", "the title"),
        ("text", "the text"),
    ],
)
def test_a_character_that_no_font_has_is_refused_by_name_and_place(field: str, place: str) -> None:
    paper = replace(PAPER, **{field: f"张{OUTSIDE}"})
    with pytest.raises(MissingGlyphs) as refused:
        PRESS.print(paper)
    assert f"𠮷 (U+20BB7) in {place};" in str(refused.value)
    assert "COUNTERSIGN_FONT_DIR" in str(refused.value)
    assert refused.value.places == place
    assert OUTSIDE not in refused.value.places


def test_a_name_that_is_not_on_the_page_refuses_nothing() -> None:
    assert PRESS.print(replace(PAPER, recipient=OUTSIDE, slip=False))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("葛\ufe00", "U+FE00 (invisible)"),  # a variation selector asks for another form than would be drawn
        ("葛\U000e0100", "U+E0100 (invisible)"),
        ("q\u0302", "U+0302 (invisible)"),  # an accent that makes no one letter with its base
        ("😀", "😀 (U+1F600)"),
        ("\ue000", "U+E000"),  # private use: everybody means another character by it
        ("张\u200b伟", "U+200B (invisible)"),
        ("\ufeff张伟", "U+FEFF (invisible)"),
        ("张\u202e伟", "U+202E (invisible)"),  # would turn the reading order round
        ("张\x07伟", "U+0007 (invisible)"),
        ("张\u2028伟", "U+2028 (invisible)"),
        ("\uf9d1", "U+F9D1"),  # a compatibility form, which would be drawn as 六
        ("مرحبا", "U+0645"),
    ],
)
def test_what_would_vanish_or_be_drawn_otherwise_is_refused(text: str, code: str) -> None:
    with pytest.raises(MissingGlyphs) as refused:
        PRESS.print(replace(PAPER, text=text))
    assert code in str(refused.value)


def test_an_accent_written_apart_is_drawn_with_its_letter() -> None:
    assert PRESS.missing("Jose\u0301") == ()
    assert "José" in text_of(PRESS.print(replace(PAPER, text="Jose\u0301")))


def test_line_ends_and_tabs_of_other_programs_are_no_missing_characters() -> None:
    assert "甲乙丙" in text_of(PRESS.print(replace(PAPER, text="甲\r\n乙\t丙")))


def test_many_missing_characters_are_named_up_to_a_dozen() -> None:
    with pytest.raises(MissingGlyphs, match=r"8 more;"):
        PRESS.print(replace(PAPER, text="".join(map(chr, range(0x20020, 0x20034)))))


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_any_text_is_printed_whole_or_refused(text: str) -> None:
    try:
        said = text_of(PRESS.print(replace(PAPER, text=text)))
    except MissingGlyphs:
        return
    assert bare(text) in said


# -- further fonts ----------------------------------------------------------------------------------------


def test_a_further_font_draws_what_the_shipped_one_lacks(tmp_path: Path) -> None:
    press = Press(folder_of_a_font(tmp_path, family="Rare Names", characters=OUTSIDE))
    paper = replace(PAPER, title=f"返岗通知书{OUTSIDE}", recipient=f"张{OUTSIDE}")
    said = text_of(press.print(paper))
    assert f"返岗通知书{OUTSIDE}" in said
    assert f"收件人张{OUTSIDE}" in said
    assert press.missing(f"{OUTSIDE}𠮶") == ("𠮶",)


def test_a_font_with_the_name_of_the_shipped_one_takes_its_place_and_is_looked_up_itself(
    tmp_path: Path,
) -> None:
    press = Press(folder_of_a_font(tmp_path, family="Noto Sans CJK SC", characters=f"{OUTSIDE}张"))
    assert press.missing(f"张{OUTSIDE}") == ()
    assert press.missing(f"李{OUTSIDE}") == ("李",)
    assert press.missing("李") == ()  # the shipped font prints this page alone


@pytest.mark.skipif(not NOTO.exists(), reason="Debian's package fonts-noto-cjk is not here")
def test_the_whole_noto_draws_what_its_subset_lacks() -> None:
    assert f"张{OUTSIDE}" in text_of(Press(NOTO).print(replace(PAPER, recipient=f"张{OUTSIDE}")))


def test_a_page_that_needs_no_further_font_stays_the_same_with_one(tmp_path: Path) -> None:
    """Even with one that would take the shipped font's place."""
    folder = folder_of_a_font(tmp_path, family="Noto Sans CJK SC", characters=f"{OUTSIDE}张")
    assert Press(folder).print(PAPER) == PRESS.print(PAPER)


def test_private_characters_are_drawn_when_a_font_of_the_company_has_them(
    tmp_path: Path,
) -> None:
    assert Press(folder_of_a_font(tmp_path, family="Own Characters", characters="\ue000")).print(
        replace(PAPER, recipient="张\ue000")
    )


def test_a_folder_without_fonts_is_refused_at_once(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="COUNTERSIGN_FONT_DIR: no font lies there"):
            Press(folder)
