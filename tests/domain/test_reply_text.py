"""A person's words apart from the history below them: never too few, and never a quote among them."""

import pytest

from countersign.domain.reply_text import html_as_text, own_text, text_above_quote, without_original

OURS = "返岗通知\n\n张伟您好：请于3月2日前返岗。\n也可以在回执页 /n输入回执码：7K2M-XW9T-B4QP\n示例公司"
QUOTED = "\n".join(f"> {line}" for line in OURS.splitlines())

HISTORIES = [
    f"On Mon, 23 Nov 2026 at 10:00, HR <hr@example.com> wrote:\n{QUOTED}",
    f"On Mon, 23 Nov 2026 at 10:00, HR Department of the company\n<hr@example.com> wrote:\n\n{QUOTED}",
    f"HR <hr@example.com> 于2026年11月23日周一 10:00写道：\n\n{QUOTED}",
    f'在 2026-11-23 10:00:00，"HR" <hr@example.com> 写道：\n{QUOTED}',
    f'------------------ 原始邮件 ------------------\n发件人: "HR" <hr@example.com>;\n{OURS}',
    f"---- 回复的原邮件 ----\n| 发件人 | HR |\n{OURS}",
    f"-----Original Message-----\nFrom: HR\nSent: Monday\n{OURS}",
    f"________________________________\nFrom: HR\nSent: Monday\nTo: 张伟\nSubject: 返岗\n\n{OURS}",
    f"发件人：HR\n发送时间：2026年11月23日\n收件人：张伟\n主题：返岗通知\n\n{OURS}",
    QUOTED,
]


@pytest.mark.parametrize("history", HISTORIES)
def test_the_history_is_cut_off_however_the_mail_program_marks_it(history: str) -> None:
    answer = "我3月2日回来。\n\n张伟"
    assert own_text(f"{answer}\n\n{history}\n") == answer
    assert text_above_quote(f"{answer}\n\n{history}\n").startswith(answer)
    assert "7K2M" not in text_above_quote(f"{answer}\n\n{history}\n")


@pytest.mark.parametrize(
    "text",
    [
        "> 请于3月2日前返岗\n好的\n> 输入回执码\n已输入",
        f"{QUOTED}\n\n我在下面回复：3月2日。",
        "先说明一下：\n> 请于3月2日前返岗\n我3月2日回来。\n> 输入回执码\n已输入",
        "经理写道：\n不用来了",
        "From: 北京\n明天到",
        "我的情况：\n________________________________\n还在住院",
        "主题：请假\n我还不能回来",
    ],
)
def test_where_it_is_not_sure_the_whole_text_stays(text: str) -> None:
    assert own_text(text) == text


def test_a_text_that_is_all_quote_stays_whole() -> None:
    assert own_text(QUOTED) == QUOTED
    assert text_above_quote(QUOTED) == ""


def test_nothing_below_the_first_quoted_line_counts_as_surely_written() -> None:
    assert text_above_quote("好的\n> 请返岗\n7K2M-XW9T-B4QP") == "好的"
    assert text_above_quote("经理写道：\n不用来了") == ""


def test_a_quote_without_any_mark_is_known_by_our_own_lines() -> None:
    assert without_original(f"收到了\n\n{OURS}", OURS) == "收到了\n\n返岗通知"
    assert without_original("收到了\n也可以在回执页 /n 输入回执码：7K2M-XW9T-B4QP", OURS) == "收到了"


def test_a_typed_code_is_no_quote_though_it_stands_in_our_mail() -> None:
    assert without_original("7K2M-XW9T-B4QP", OURS) == "7K2M-XW9T-B4QP"
    assert without_original("回执码 7K2M-XW9T-B4QP 已确认", OURS) == "回执码 7K2M-XW9T-B4QP 已确认"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>dear</b> friend</p>", "Hello dear friend"),
        ("<div>一</div><div>二<br>三</div>", "一\n二\n三"),
        ("<head><title>x</title></head><script>y</script>好", "好"),
        ("好<blockquote>旧<div>更旧</div></blockquote>", "好\n> 旧\n> 更旧"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("好<![if 坏", "好"),
    ],
)
def test_a_page_becomes_lines(html: str, text: str) -> None:
    assert html_as_text(html).startswith(text)
