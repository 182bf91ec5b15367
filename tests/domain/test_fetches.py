"""Who fetched a page: known machines are named, persons' browsers are never taken for one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.fetches import FetchKind, kind_of_fetch

CHROME = "(KHTML, like Gecko) Chrome/131.0.0.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = f"Mozilla/5.0 (Linux; Android 14; V2309A; wv) AppleWebKit/537.36 {CHROME} Mobile Safari/537.36"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {CHROME} Safari/537.36"

BROWSERS = [
    f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
    f"{ANDROID} MMWEBID/1 MicroMessenger/8.0.49.2600(0x28003137) WeChat/arm64 NetType/4G Language/zh_CN",
    f"{WINDOWS} NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13)",
    f"{ANDROID} wxwork/4.1.22 MicroMessenger/7.0.1 NetType/WIFI Language/zh",
    f"{IPHONE} Mobile/21F79 AliApp(DingTalk/7.5.20) com.laiwang.DingTalk/38000000 Channel/201200",
    f"{ANDROID} Lark/7.20.5 LarkLocale/zh_CN ChannelName/Feishu",
    f"Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50) AppleWebKit/537.36 {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 {CHROME} Safari/537.36 ArkWeb/4.1 Mobile",
    f"{WINDOWS} Edg/131.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; id) Presto/2.12.423 Version/12.16",
]
MACHINES = {
    FetchKind.SCANNER: [
        "BarracudaCentral Sentinel",
        "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
        "Mimecast/1.0",
        "CiscoSecureEmail",
        "Mozilla/5.0 (compatible; Trend Micro TMES)",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 BingPreview/1.0b",
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "DingTalkBot-SecurityService/1.0",
        "some link checker",
    ],
    FetchKind.MESSENGER_PREVIEW: [
        "DingTalkBot-LinkService/1.0 (+https://open-doc.dingtalk.com/microapp/faquestions/ftpfeu)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
        "WhatsApp/2.23.20.0 A",
        "TelegramBot (like TwitterBot)",
        "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Mozilla/5.0 MicroMessenger/6.5 mpcrawler",
        "MicroMessenger Client",
        "wxwork/4.1 link",
        "Feishu/1.0",
    ],
    FetchKind.TOOL: [
        "curl/8.5.0",
        "Wget/1.21",
        "python-requests/2.32.3",
        "Python-urllib/3.11",
        "Go-http-client/2.0",
        "okhttp/4.12.0",
        "Apache-HttpClient/4.5 (Java/17)",
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; zh-CN) WindowsPowerShell/5.1.22621",
        "Mozilla/5.0",
    ],
    FetchKind.NONE: ["", "  "],
}
PREFETCHES = [
    {"Sec-Purpose": "prefetch"},
    {"sec-purpose": "prefetch;prerender"},
    {"Purpose": "Prefetch"},
    {"X-Purpose": "preview"},
    {"X-Moz": "prefetch"},
]
ALL = [(kind, agent) for kind, agents in MACHINES.items() for agent in agents]
agents = st.one_of(st.text(), st.sampled_from(BROWSERS + [agent for _, agent in ALL]))
waits = st.one_of(st.none(), st.timedeltas())


@pytest.mark.parametrize(("kind", "agent"), ALL)
def test_a_machine_that_says_what_it_is_is_called_so_however_late_it_comes(
    kind: FetchKind, agent: str
) -> None:
    for since in (None, timedelta(seconds=1), timedelta(days=2)):
        assert kind_of_fetch(agent, {}, since) is kind


@pytest.mark.parametrize("agent", BROWSERS)
def test_browsers_of_persons_also_inside_messengers_are_browsers(agent: str) -> None:
    assert kind_of_fetch(agent, {"Accept-Language": "zh-CN"}, None) is FetchKind.BROWSER
    assert (
        kind_of_fetch(agent, {"Purpose": "", "Sec-Purpose": "x"}, timedelta(seconds=10)) is FetchKind.BROWSER
    )
    assert kind_of_fetch(agent, {}, timedelta(seconds=9.9)) is FetchKind.INSTANT


@pytest.mark.parametrize("headers", PREFETCHES)
def test_a_browser_that_looks_ahead_is_not_taken_for_a_person(headers: dict[str, str]) -> None:
    assert kind_of_fetch(BROWSERS[0], headers, timedelta(hours=1)) is FetchKind.PREFETCH


@given(agents, waits)
def test_nothing_within_ten_seconds_is_ever_called_a_browser(agent: str, since: timedelta | None) -> None:
    kind = kind_of_fetch(agent, {}, since)
    if kind is FetchKind.BROWSER:
        assert since is None or since >= timedelta(seconds=10)
    if kind is FetchKind.INSTANT:
        assert kind_of_fetch(agent, {}, None) is FetchKind.BROWSER


@given(agents, st.sampled_from(PREFETCHES), waits)
def test_no_request_that_is_marked_as_looking_ahead_is_ever_called_a_browser(
    agent: str, headers: dict[str, str], since: timedelta | None
) -> None:
    assert kind_of_fetch(agent, headers, since) not in {FetchKind.BROWSER, FetchKind.INSTANT, FetchKind.NONE}


@given(st.sampled_from(ALL), st.sampled_from(BROWSERS), waits)
def test_a_machine_that_puts_a_browsers_name_beside_its_own_stays_a_machine(
    machine: tuple[FetchKind, str], browser: str, since: timedelta | None
) -> None:
    kind, name = machine
    if kind is FetchKind.SCANNER:
        assert kind_of_fetch(f"{browser} {name}", {}, since) is not FetchKind.BROWSER


@given(agents, waits)
def test_case_and_blanks_around_an_agent_change_nothing(agent: str, since: timedelta | None) -> None:
    if agent.isascii():
        assert kind_of_fetch(f" {agent.upper()} ", {}, since) is kind_of_fetch(agent, {}, since)
