"""Group robots of WeCom, DingTalk and Feishu: their webhook, their signature, their answers in words.

apprise has plugins for all three, but none of them reads the answer: the robots refuse with status 200 and a
code in the body, which apprise takes for success. It also encodes DingTalk's signature twice, which DingTalk
refuses in just that silent way, and cannot sign for Feishu. So these three are spoken to here.
"""

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import aiohttp


class RobotKind(StrEnum):
    """Whose robot it is."""

    WECOM = "WeCom"
    DINGTALK = "DingTalk"
    FEISHU = "Feishu"


@dataclass(frozen=True)
class TargetAnswer:
    """What a target said to one message; `words` is a sentence for the log and holds nothing secret."""

    taken: bool
    words: str
    slow_down: bool = False


@dataclass(frozen=True)
class Robot:
    """A robot: the webhook's address without its key, the key, and the signing secret if it has one."""

    kind: RobotKind
    endpoint: str = field(repr=False)
    key: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def identity(self) -> str:
        """Tell robots apart; the same robot with a new signing secret stays the same."""
        return f"{self.kind}\n{self.endpoint}\n{self.key}"

    async def post(self, title: str, body: str, now: float, timeout_s: float) -> TargetAnswer:
        """Send one text; `now` is in seconds since 1970. Every end is an answer, none is an exception."""
        url, query, payload = _request(self, f"{title}\n{body}", now)
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=timeout_s), trust_env=True
                ) as session,
                session.post(url, params=query, json=payload, allow_redirects=False) as reply,
            ):
                status, text = reply.status, await reply.text(errors="replace")
        except TimeoutError:
            return TargetAnswer(False, f"did not answer within {timeout_s:g} seconds")
        except aiohttp.ClientError:
            return TargetAnswer(False, "could not be reached; check the address and the way out of the house")
        return _judge(self.kind, status, text)


def parse_robot(url: str) -> Robot | None:
    """Return the robot that an address names, or None when it names none of the three.

    Taken are the webhook's own address as the group shows it, with `&secret=…` where the robot signs, at any
    host (private deployments have their own), and apprise's short forms `wecombot://KEY`,
    `dingtalk://SECRET@TOKEN` and `feishu://SECRET@TOKEN`. Raises `ValueError` with a sentence that repeats
    nothing of the address when it names a robot but lacks its key.
    """
    parts = urlsplit(url.strip())
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    short = _SHORT.get(parts.scheme)
    if short is not None:
        kind, endpoint = short
        # `hostname` would turn the key into small letters.
        key = unquote(query.get(_KEY_IN_QUERY[kind]) or parts.netloc.rpartition("@")[2])
        return _robot(kind, endpoint, key, query.get("secret") or unquote(parts.username or ""))
    if parts.scheme not in {"http", "https"}:
        return None
    for kind, path in _PATHS.items():
        found = path.fullmatch(parts.path)
        if found is not None:
            is_feishu = kind is RobotKind.FEISHU
            key = unquote(found["key"]) if is_feishu else query.get(_KEY_IN_QUERY[kind], "")
            endpoint = f"{parts.scheme}://{parts.netloc}{found['base']}"
            return _robot(kind, endpoint, key, query.get("secret"))
    return None


_SHORT = {
    "wecombot": (RobotKind.WECOM, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"),
    "dingtalk": (RobotKind.DINGTALK, "https://oapi.dingtalk.com/robot/send"),
    "feishu": (RobotKind.FEISHU, "https://open.feishu.cn/open-apis/bot/v2/hook/"),
    "lark": (RobotKind.FEISHU, "https://open.larksuite.com/open-apis/bot/v2/hook/"),
}
_PATHS = {
    RobotKind.WECOM: re.compile(r"(?P<base>/cgi-bin/webhook/send)/?"),
    RobotKind.DINGTALK: re.compile(r"(?P<base>/robot/send)/?"),
    RobotKind.FEISHU: re.compile(r"(?P<base>/open-apis/bot/v2/hook/)(?P<key>[^/]*)/?"),
}
_KEY_IN_QUERY = {RobotKind.WECOM: "key", RobotKind.DINGTALK: "access_token", RobotKind.FEISHU: "token"}
_KEY = re.compile(r"[0-9A-Za-z_-]+")


def _robot(kind: RobotKind, endpoint: str, key: str, secret: str | None) -> Robot:
    key = key.rstrip("/")
    if not _KEY.fullmatch(key):
        raise ValueError(
            f"is the address of a {kind} robot without a key that can be right; copy the webhook address "
            "again from the group's settings"
        )
    if secret and kind is RobotKind.WECOM:
        raise ValueError("is the address of a WeCom robot with a secret; WeCom signs nothing, leave it out")
    return Robot(kind, endpoint, key, secret or None)


def _request(robot: Robot, text: str, now: float) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return address, query and body; aiohttp encodes the query once."""
    if robot.kind is RobotKind.FEISHU:
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if robot.secret is not None:
            stamp = str(int(now))
            body |= {"timestamp": stamp, "sign": feishu_signature(robot.secret, stamp)}
        return robot.endpoint + quote(robot.key, safe=""), {}, body
    query = {_KEY_IN_QUERY[robot.kind]: robot.key}
    if robot.kind is RobotKind.DINGTALK and robot.secret is not None:
        stamp = str(int(now * 1000))
        query |= {"timestamp": stamp, "sign": dingtalk_signature(robot.secret, stamp)}
    return robot.endpoint, query, {"msgtype": "text", "text": {"content": text}}


def dingtalk_signature(secret: str, milliseconds: str) -> str:
    """Return DingTalk's signature of a timestamp, in base64, not yet encoded for a query."""
    signed = hmac.digest(secret.encode(), f"{milliseconds}\n{secret}".encode(), "sha256")
    return base64.b64encode(signed).decode()


def feishu_signature(secret: str, seconds: str) -> str:
    """Return Feishu's signature of a timestamp: timestamp and secret are the key, the message is empty."""
    return base64.b64encode(hmac.digest(f"{seconds}\n{secret}".encode(), b"", "sha256")).decode()


def _judge(kind: RobotKind, status: int, text: str) -> TargetAnswer:
    """Read an answer. The robots' own words are not repeated: some hold addresses and keys."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    code = _code(kind, answer) if isinstance(answer, Mapping) else None
    if code is None:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return TargetAnswer(False, "takes no more for now (HTTP 429)", slow_down=True)
        return TargetAnswer(
            False, f"answered HTTP {status} with nothing of a {kind} robot; check the address"
        )
    if code == 0:
        return TargetAnswer(True, "took it")
    words = _CODES[kind].get(code, f"refused it; look the code up in {kind}'s documentation")
    return TargetAnswer(False, f"{words} (code {code})", slow_down=code in _TOO_FAST[kind])


def _code(kind: RobotKind, answer: Mapping[str, Any]) -> int | None:
    names = ("code", "StatusCode") if kind is RobotKind.FEISHU else ("errcode",)
    found: Callable[[str], Any] = answer.get
    return next((value for value in map(found, names) if type(value) is int), None)


_TOO_FAST = {
    RobotKind.WECOM: {45009},
    RobotKind.DINGTALK: {130101, 410100},
    RobotKind.FEISHU: {9499, 11232},
}
_SLOW = "takes no more for now, there were too many messages"
_CODES = {
    RobotKind.WECOM: {
        45009: _SLOW,
        93000: "does not know this key; the robot was removed, or the key was copied wrongly",
    },
    RobotKind.DINGTALK: {
        310000: "refused it by the robot's security settings: the secret is wrong, this machine's clock is "
        'more than an hour off, its address is not on the list, or the keyword is not "Countersign"',
        300001: "does not know this token; the robot was removed, or the token was copied wrongly",
        400013: "has lost its group, which was dissolved; set up a robot in another group",
        400101: "does not know this token; the robot was removed, or the token was copied wrongly",
        400102: "is switched off; switch the robot on again in its group",
        400106: "is no longer in its group; add the robot again",
        430101: "refused the link as unsafe; check the public base URL",
        130101: _SLOW,
        410100: _SLOW,
    },
    RobotKind.FEISHU: {
        19001: "does not know this token; the robot was removed, or the token was copied wrongly",
        19007: "is switched off; switch the robot on again in its group",
        19021: "refused the signature: the secret is wrong, or this machine's clock is more than an hour off",
        19022: "refused this machine's address; add it to the robot's list",
        19024: 'refused a text without its keyword; make "Countersign" the keyword',
        9499: "refused the request, or takes no more for now",
        11232: _SLOW,
    },
}
