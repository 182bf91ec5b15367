"""The papers of an exit: what stands on them, what never does, and the same bytes for the same paper."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pypdfium2
import pytest

from countersign.adapters.exit_papers import (
    Certificate,
    Claim,
    Leaver,
    OpenThing,
    print_agreement,
    print_certificate,
    print_demand,
    yuan,
)
from countersign.adapters.paper import MissingGlyphs, Press
from countersign.domain.certificate import ContractTerm, ContractType, contract_term
from countersign.domain.departure import Ground
from tests.adapters.test_paper import OUTSIDE, bare, pages_of, text_of

PRESS = Press()
AT = datetime(2026, 3, 31, 9, 0, tzinfo=timezone(timedelta(hours=8)))
LEAVER = Leaver("张伟", "E1042", "110101199001011234", "销售经理")
PAPER = Certificate(
    LEAVER,
    "示例公司",
    "北京",
    "01KHA8T0A0C4D5E6F7G8H9JKMN",
    date(2024, 1, 2),
    date(2026, 3, 31),
    Ground.RESIGNATION,
    AT,
    ContractTerm(ContractType.FIXED, date(2024, 1, 2), date(2027, 1, 1)),
)
CLAIM = Claim(
    LEAVER,
    "示例公司",
    "北京",
    "01KHA8T0A0C4D5E6F7G8H9JKMN",
    date(2026, 3, 31),
    (OpenThing("设备物品", "笔记本电脑（IT-1）", 8_000_00), OpenThing("客户", "华东客户（C-1）")),
    (OpenThing("社保代垫款", "个人应缴社会保险费（公司代垫）", 1_296_032),),
    AT,
    date(2026, 4, 15),
    planned_fen=1_000_00,
)
ENGLISH = replace(LEAVER, language="en")


def test_the_certificate_holds_the_four_contents_of_the_law() -> None:
    text = text_of(print_certificate(PRESS, PAPER))
    for told in (
        "解除劳动合同证明书",
        "张伟（工号E1042，身份证号110101199001011234）",
        "劳动合同期限2024年1月2日起至2027年1月1日止",
        "解除日期2026年3月31日",
        "工作岗位销售经理",
        "在本单位的工作年限2年2个月零30天",
        "依照《中华人民共和国劳动合同法》第三十七条解除",
        "用人单位：示例公司",
        "日期：2026年3月31日",
    ):
        assert told in text


@pytest.mark.parametrize("ground", list(Ground))
def test_no_ground_puts_a_reason_or_blame_on_the_certificate(ground: Ground) -> None:
    text = text_of(print_certificate(PRESS, replace(PAPER, ground=ground)))
    for word in (
        "过错",
        "违纪",
        "旷工",
        "辞退",
        "开除",
        "不胜任",
        "裁员",
        "第三十八",
        "第三十九",
        "欠款",
        "交接",
    ):
        assert word not in text
    assert ("终止劳动合同证明书" in text) is (ground is Ground.EXPIRY)


def test_only_who_reads_english_gets_english_lines_as_well() -> None:
    chinese = text_of(print_certificate(PRESS, PAPER))
    both = text_of(print_certificate(PRESS, replace(PAPER, leaver=ENGLISH)))
    assert "Certificate" not in chinese
    for told in ("工作岗位", "Lengthofservicewiththisemployer", "2January2024to1January2027", "article37"):
        assert told in both


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        (ContractTerm(ContractType.OPEN_ENDED, date(2025, 1, 1)), "无固定期限，自2025年1月1日起"),
        (ContractTerm(ContractType.TASK, date(2025, 1, 1)), "以完成一定工作任务为期限，自2025年1月1日起"),
        (None, "自2024年1月2日起，期限以劳动合同约定为准"),
    ],
)
def test_the_term_is_that_of_the_contract_and_never_made_up_of_first_and_last_day(
    contract: ContractTerm | None, told: str
) -> None:
    text = text_of(print_certificate(PRESS, replace(PAPER, contract=contract)))
    assert f"劳动合同期限{told}" in text
    assert "至2026年3月31日止" not in text


def test_the_books_hold_a_term_only_when_they_hold_all_of_it() -> None:
    first, last = date(2025, 1, 1), date(2027, 12, 31)
    assert contract_term("fixed", first, last) == ContractTerm(ContractType.FIXED, first, last)
    assert contract_term("open_ended", first, None) == ContractTerm(ContractType.OPEN_ENDED, first)
    assert [
        contract_term(*one) for one in ((None, first, last), ("fixed", first, None), ("task", None, None))
    ] == [None] * 3


def test_a_post_that_is_not_on_record_is_that_of_the_contract() -> None:
    text = text_of(print_certificate(PRESS, replace(PAPER, leaver=replace(LEAVER, post=None))))
    assert "工作岗位以劳动合同约定为准" in text


def test_whole_months_are_told_without_days_and_no_number_where_none_is_known() -> None:
    paper = replace(PAPER, hired_on=date(2024, 4, 1), leaver=replace(LEAVER, id_number=None))
    text = text_of(print_certificate(PRESS, paper))
    assert "工作年限2年0个月特此证明" in text
    assert "身份证号" not in text


def test_the_demand_lists_what_is_open_and_makes_no_certificate_depend_on_it() -> None:
    text = text_of(print_demand(PRESS, CLAIM))
    for told in (
        "笔记本电脑（IT-1）8,000.00",
        "华东客户（C-1）—",
        "12,960.32",
        "合计人民币20,960.32元，其中1,000.00元已有分期还款安排",
        "2026年4月15日前",
        "不以上述事项办结为条件",
    ):
        assert told in text


def test_a_demand_without_money_names_no_sum() -> None:
    claim = replace(CLAIM, items=CLAIM.items[1:], balances=(), planned_fen=0)
    text = text_of(print_demand(PRESS, claim))
    assert "人民币" not in text
    assert "华东客户" in text


def test_the_agreement_is_a_draft_over_what_no_plan_covers() -> None:
    text = text_of(print_agreement(PRESS, CLAIM))
    assert "还款协议（草案）" in text
    assert "合计人民币20,960.32元，其中1,000.00元已有分期还款安排" in text
    assert "本协议约定其余人民币19,960.32元的偿还" in text
    assert "合计20,960.32" in text
    assert "华东客户" not in text
    assert "对双方均无约束力" in text


def test_what_falls_away_with_a_return_is_said_only_where_an_object_is_claimed() -> None:
    money = replace(CLAIM, items=CLAIM.items[1:])
    for draw in (print_demand, print_agreement):
        assert "归还后" in text_of(draw(PRESS, CLAIM))
        assert "归还后" not in text_of(draw(PRESS, money))


@pytest.mark.parametrize("lines", range(12, 20))
def test_the_seal_of_a_letter_never_stands_alone_on_a_page(lines: int) -> None:
    many = tuple(OpenThing("工作文件", f"文件（D-{n}）") for n in range(lines))
    pages = pypdfium2.PdfDocument(print_demand(PRESS, replace(CLAIM, items=many)))
    last = bare(pages[len(pages) - 1].get_textpage().get_text_bounded())
    assert "不以上述事项办结为条件" in last
    assert "盖章" in last


def test_what_is_below_zero_keeps_its_sum() -> None:
    assert [yuan(fen) for fen in (-500_28, -5, 0, 1_234_567)] == ["−500.28", "−0.05", "0.00", "12,345.67"]


def test_the_english_of_the_letters_is_on_the_page_too() -> None:
    claim = replace(CLAIM, leaver=ENGLISH)
    assert "InallCNY20,960.32" in text_of(print_demand(PRESS, claim))
    assert "untilthenitisadraftthatbindsnobody" in text_of(print_agreement(PRESS, claim))


def test_the_same_paper_is_the_same_bytes_and_another_one_is_not() -> None:
    first = print_certificate(PRESS, PAPER)
    assert print_certificate(Press(), PAPER) == first
    assert print_certificate(PRESS, replace(PAPER, ended_on=date(2026, 3, 30))) != first


def test_markup_in_a_name_stays_text() -> None:
    name = "#sys *张* _伟_ $x$ [y] \\ // z"
    text = text_of(print_certificate(PRESS, replace(PAPER, leaver=replace(LEAVER, name=name))))
    assert bare(name) in text


def test_a_character_that_no_font_has_is_refused() -> None:
    with pytest.raises(MissingGlyphs, match=OUTSIDE):
        print_certificate(PRESS, replace(PAPER, leaver=replace(LEAVER, name=f"{OUTSIDE}田")))


def test_three_hundred_open_things_run_over_pages() -> None:
    many = tuple(OpenThing("工作文件", f"文件（D-{n}）") for n in range(300))
    pdf = print_demand(PRESS, replace(CLAIM, items=many))
    assert pages_of(pdf) > 5
    assert "D-299" in text_of(pdf)


def test_an_end_before_the_beginning_prints_nothing() -> None:
    with pytest.raises(ValueError, match="before it began"):
        print_certificate(PRESS, replace(PAPER, ended_on=date(2023, 1, 1)))
