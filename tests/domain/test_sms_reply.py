import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.adapters.links import LinkKeys, normalised
from countersign.domain.sms_reply import Keyword, codes_in, keyword_of


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", " Stop ", "Stop.", "“stop”!", "s t o p", "STOP ALL", "stop\n",
        "ＳＴＯＰ", "STOP\u200b",
        "unsubscribe", "Cancel", "END", "quit", "revoke", "opt-out", "Opt Out", "TD", "td。", "T", "N",
        "退订", "退订！", "退 订", "退定", "拒收", "取消订阅",
    ],
)  # fmt: skip
def test_a_word_that_asks_for_silence_is_known_in_every_spelling(text: str) -> None:
    assert keyword_of(text) is Keyword.STOP


@pytest.mark.parametrize("text", ["START", "start!", "Yes", "unstop", "恢复", "订阅。", "ＳＴＡＲＴ"])
def test_a_word_that_asks_for_messages_again_is_known(text: str) -> None:
    assert keyword_of(text) is Keyword.START


@pytest.mark.parametrize(
    "text",
    ["", " ", "…", "please stop", "stop it now", "不要退订", "weekend", "none", "No", "nein", "end of March"],
)
def test_anything_but_the_word_alone_is_no_keyword(text: str) -> None:
    assert keyword_of(text) is None


CODE = "7K2M-XW9T-B4QP"


@pytest.mark.parametrize(
    "text",
    [
        CODE, "7K2MXW9TB4QP", "7K2M XW9T B4QP", "7k2m-xw9t-b4qp", "7K2M_XW9T_B4QP",
        "7K2M\u3000XW9T\u3000B4QP",
        "７Ｋ２Ｍ－ＸＷ９Ｔ－Ｂ４ＱＰ", "7K2M–XW9T—B4QP", "7K2M\u2010XW9T\u2011B4QP",
        f"收到{CODE}，谢谢", f"code {CODE}", f"this code {CODE}!", f"({CODE})", f"my code: {CODE}.",
        f"take this code {CODE} from your list", f"\n{CODE}\n",
    ],
)  # fmt: skip
def test_the_code_is_found_wherever_it_stands(text: str) -> None:
    assert normalised(CODE) in [normalised(found) for found in codes_in(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "13800138000",
        "7K2M-XW9T-B4Q",
        "7K2M-XW9T-B4QPX",
        "X7K2MXW9TB4QP",
        "7K2M–XW9T",
        "七K2MXW9TB4Q",
    ],
)
def test_what_has_another_shape_is_no_code(text: str) -> None:
    assert codes_in(text) == []


@given(st.text(max_size=40).filter(lambda text: not text[-1:].isalnum()), st.integers(0, 10**6))
def test_every_code_of_ours_is_found_behind_any_words(before: str, link: int) -> None:
    code = LinkKeys({"1": b"k" * 32}).code(str(link))
    assert normalised(code) in [normalised(found) for found in codes_in(f"{before} {code}")]


def test_a_text_full_of_short_words_offers_a_bounded_number_of_codes() -> None:
    assert len(codes_in("this that word " * 300)) <= 20
