"""How far a message has come, in words that claim no more than is known; nothing ever says "read"."""

from enum import StrEnum

from countersign.domain.fetches import FetchKind


class Level(StrEnum):
    """What is known of a delivery, from the weakest to the strongest."""

    SENT = "sent"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    LINK_FETCHED = "link_fetched"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    IDENTITY_CONFIRMED = "identity_confirmed"


ZH, EN = "zh-CN", "en"

_WORDS = {
    Level.SENT: {EN: "sent", ZH: "已发出"},
    Level.ACCEPTED: {EN: "accepted by the relay", ZH: "邮件服务器已接收"},
    Level.DELIVERED: {EN: "delivered (says the carrier)", ZH: "已送达（运营商报告）"},
    Level.LINK_FETCHED: {EN: "link fetched (may be a machine)", ZH: "链接被访问（可能是机器）"},
    Level.OPENED: {EN: "opened in a browser", ZH: "已在浏览器中打开"},
    Level.ACKNOWLEDGED: {EN: "acknowledged by whoever held the link", ZH: "持有链接者已答复"},
    Level.IDENTITY_CONFIRMED: {EN: "identity confirmed", ZH: "身份已核实"},
}
_OF_CHANNEL = {
    (Level.ACCEPTED, "sms"): {EN: "accepted by the provider", ZH: "短信服务商已接收"},
    (Level.DELIVERED, "email"): {EN: "delivered (says the relay)", ZH: "已送达（邮件服务器报告）"},
    (Level.OPENED, "in_system"): {EN: "opened in the in-system inbox", ZH: "已在站内信箱中打开"},
    (Level.DELIVERED, "in_system"): {EN: "placed in the in-system inbox", ZH: "已放入站内信箱"},
    (Level.SENT, "courier"): {EN: "posted (says HR)", ZH: "已寄出（人事登记）"},
    (Level.DELIVERED, "courier"): {EN: "signed for (says the courier)", ZH: "已签收（快递报告）"},
    (Level.SENT, "public_notice"): {EN: "published (says HR)", ZH: "已公告（人事登记）"},
}
_FETCHED_BY = {
    FetchKind.SCANNER: {EN: "link fetched by a mail scanner", ZH: "链接被邮件安全扫描程序访问"},
    FetchKind.MESSENGER_PREVIEW: {
        EN: "link fetched by a messenger's preview",
        ZH: "链接被聊天软件预览程序访问",
    },
    FetchKind.PREFETCH: {EN: "link fetched ahead by a browser", ZH: "链接被浏览器预加载"},
    FetchKind.INSTANT: {
        EN: "link fetched within 10 seconds of sending (too fast for a person)",
        ZH: "发出后 10 秒内链接即被访问（不像真人）",
    },
    FetchKind.TOOL: {EN: "link fetched by a program", ZH: "链接被程序访问"},
    FetchKind.NONE: {EN: "link fetched by something without a name", ZH: "链接被未表明身份的程序访问"},
}


def level_words(
    level: Level, channel: str | None = None, by: FetchKind | None = None, language: str = EN
) -> str:
    """Return the words for a level in `en` or `zh-CN` (any other language: English).

    `channel` says whose word it is where that differs; `by` who fetched the link. Known machines are named,
    everything else "may be a machine".
    """
    spoken = language if language in {ZH, EN} else EN
    if level is Level.LINK_FETCHED and by in _FETCHED_BY:
        return _FETCHED_BY[by][spoken]
    return _OF_CHANNEL.get((level, channel or ""), _WORDS[level])[spoken]
