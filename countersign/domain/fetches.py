"""Who may have fetched a page, as far as agent, headers and haste tell. Being a browser proves no person."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

TOO_FAST = timedelta(seconds=10)
"""A fetch sooner than this after sending is no person's: the message is still on its way to the phone."""


class FetchKind(StrEnum):
    """What kind of machine, or perhaps person, asked for a page."""

    SCANNER = "scanner"
    MESSENGER_PREVIEW = "messenger_preview"
    PREFETCH = "prefetch"
    INSTANT = "instant"
    TOOL = "tool"
    BROWSER = "browser"
    NONE = "none"


_SCANNERS = (
    r"barracuda",  # Barracuda Email Security Gateway, Link Protection, Sentinel
    r"proofpoint",  # Proofpoint URL Defense
    r"mimecast",  # Mimecast URL Protect
    r"ciscosecureemail|ironport",  # Cisco Secure Email
    r"\btmes\b|trend ?micro",  # Trend Micro Email Security
    r"sophos",  # Sophos Email
    r"fortinet|fortiguard|fortimail",  # Fortinet FortiMail
    r"symantec|messagelabs",  # Symantec Email Security.cloud
    r"fireeye|trellix",  # Trellix Email Security
    r"cloudmark",  # Cloudmark
    r"spamhaus",  # Spamhaus
    r"bingpreview",  # Bing Preview, also seen behind Microsoft Outlook
    r"ms-?office|microsoft office",  # Microsoft Office and Outlook, looking at a link before it is opened
    r"virustotal",  # VirusTotal
    r"urlscan",  # urlscan.io
    r"paloalto",  # Palo Alto Networks
    r"censysinspect",  # Censys
    r"zgrab",  # ZGrab
    r"dingtalkbot-securityservice",  # DingTalk link security check
    r"google-safety|googleimageproxy",  # Google abuse check and Gmail's image proxy
    r"headless",  # Chrome and Firefox without a window
    r"phantomjs|slimerjs",  # PhantomJS, SlimerJS
    r"puppeteer|playwright|selenium|webdriver|cypress",  # drivers of browsers, where they name themselves
    r"jsdom",  # jsdom
    r"lighthouse|prerender",  # Lighthouse, Prerender
    r"yahoo! slurp",  # Yahoo
    r"mediapartners-google|google-read-aloud|google-inspectiontool",  # Google's other fetchers
    r"ia_archiver",  # Internet Archive
)

_PREVIEWS = (
    r"dingtalkbot",  # DingTalk (DingTalkBot-LinkService)
    r"mpcrawler",  # WeChat mini programs
    r"slackbot|slack-imgproxy",  # Slack (Slackbot-LinkExpanding)
    r"skypeuripreview|microsoftpreview",  # Microsoft Teams and Skype
    r"^whatsapp/",  # WhatsApp; Signal sends the same
    r"telegrambot",  # Telegram
    r"facebookexternalhit|facebot|meta-externalfetcher",  # Messenger, Instagram, LINE, iMessage
    r"discordbot",  # Discord
    r"twitterbot",  # X, and iMessage beside Facebot
    r"linkedinbot",  # LinkedIn
    r"^viber/",  # Viber
    r"linespider|line-poker",  # LINE
    r"snap url preview",  # Snapchat
    r"kakaotalk-scrap",  # KakaoTalk
    r"mattermost-bot|rocket\.chat|zulipurlpreview",  # Mattermost, Rocket.Chat, Zulip
    r"synapse|iframely|embedly",  # Matrix, and two services that make previews for others
)

_TOOLS = (
    r"\bcurl/|\bwget/",  # curl, Wget
    r"python|aiohttp|httpx",  # Python's clients
    r"go-http-client|go-resty",  # Go
    r"^java/|apache-httpclient|jakarta|jetty",  # Java
    r"node-fetch|axios|undici|\bgot\b",  # Node.js
    r"libwww-perl|lwp::",  # Perl
    r"guzzlehttp|^php",  # PHP
    r"^ruby|faraday",  # Ruby
    r"powershell|winhttp",  # Windows PowerShell (begins with Mozilla/5.0), WinHTTP
    r"postmanruntime|insomnia|httpie",  # Postman, Insomnia, HTTPie
    r"scrapy",  # Scrapy
)

# Crawlers as a rule name themselves so; the lookbehind lets the telephones of the maker Cubot pass.
_CRAWLER = re.compile(r"(?<!cu)bot\b|crawler|spider|scraper|(?:link|url|site)[ -]?(?:check|scan)|scanner")

# The browsers inside these apps are persons' browsers as long as they name the device they run on. The
# servers behind WeChat, WeCom and Feishu that make previews publish no name of their own.
_IN_APP = re.compile(
    r"micromessenger"  # WeChat
    r"|wxwork"  # WeCom
    r"|dingtalk"  # DingTalk
    r"|feishu|\blark/"  # Feishu
)
_DEVICE = re.compile(
    r"iphone|ipad|ipod|android|harmony|macintosh|windows nt|x11; linux|windowswechat|macwechat"
)
_BROWSER = re.compile(r"^(?:mozilla/[45]\.0 \(|opera/9)")
_ENGINE = re.compile(r"applewebkit|gecko/|trident|msie|presto|khtml")

_PREFETCH = {
    "sec-purpose": ("prefetch",),  # Fetch Standard: Chrome, Edge, Firefox; also "prefetch;prerender"
    "purpose": ("prefetch", "preview"),  # Chrome and Safari before it
    "x-purpose": ("prefetch", "preview", "instant"),  # Safari's and Opera's thumbnails, old Chrome
    "x-moz": ("prefetch",),  # Firefox before 115
}


def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_SCANNER, _PREVIEW, _TOOL = _any(_SCANNERS), _any(_PREVIEWS), _any(_TOOLS)


def kind_of_fetch(agent: str, headers: Mapping[str, str], since_sent: timedelta | None) -> FetchKind:
    """Return what kind of asker this is; the surest sign decides.

    `agent` is the User-Agent, `headers` the request's headers in any case, `since_sent` the real time since
    the message was handed over, None when it was not. `NONE` is a request that names no agent.
    """
    told = agent.strip().lower()
    if kind := _named(told):
        return kind
    if _is_prefetch(headers):
        return FetchKind.PREFETCH
    if not told:
        return FetchKind.NONE
    if not _looks_like_a_browser(told):
        return FetchKind.TOOL
    if since_sent is not None and since_sent < TOO_FAST:
        return FetchKind.INSTANT
    return FetchKind.BROWSER


def _named(told: str) -> FetchKind | None:
    """Return the kind of an agent that says itself what it is."""
    if _SCANNER.search(told):
        return FetchKind.SCANNER
    if _PREVIEW.search(told) or (_IN_APP.search(told) and not _DEVICE.search(told)):
        return FetchKind.MESSENGER_PREVIEW
    if _CRAWLER.search(told):
        return FetchKind.SCANNER
    return FetchKind.TOOL if _TOOL.search(told) else None


def _is_prefetch(headers: Mapping[str, str]) -> bool:
    said = {name.lower(): value.strip().lower() for name, value in headers.items()}
    return any(said.get(name, "").startswith(values) for name, values in _PREFETCH.items())


def _looks_like_a_browser(told: str) -> bool:
    return _BROWSER.search(told) is not None and _ENGINE.search(told) is not None
