"""Group robots over a real socket with the keys, signatures and codes of WeCom, DingTalk and Feishu."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

WECOM_KEY, DINGTALK_TOKEN, FEISHU_TOKEN = "5ec4e7-wecom-key", "5ec4e7d1ngta1k70ken", "5ec4e7-feishu-token"
DINGTALK_SECRET, FEISHU_SECRET = "SEC5ec4e7d1ngta1k", "5ec4e7feishu5ecret"
SECRETS = (WECOM_KEY, DINGTALK_TOKEN, FEISHU_TOKEN, DINGTALK_SECRET, FEISHU_SECRET)
_MILLISECONDS_OF_AN_HOUR = 3_600_000


class Robots:
    """What the robots took, as texts by robot; `codes` and `statuses` are given out first, one a request."""

    def __init__(self) -> None:
        self.base = ""
        self.took: dict[str, list[str]] = {"wecom": [], "dingtalk": [], "feishu": [], "hook": []}
        self.codes: dict[str, deque[int]] = {name: deque() for name in self.took}
        self.asked: dict[str, int] = dict.fromkeys(self.took, 0)
        self.delay = 0.0

    @property
    def wecom(self) -> str:
        return f"{self.base}/cgi-bin/webhook/send?key={WECOM_KEY}"

    @property
    def dingtalk(self) -> str:
        return f"{self.base}/robot/send?access_token={DINGTALK_TOKEN}&secret={DINGTALK_SECRET}"

    @property
    def feishu(self) -> str:
        return f"{self.base}/open-apis/bot/v2/hook/{FEISHU_TOKEN}?secret={FEISHU_SECRET}"

    @property
    def hook(self) -> str:
        """An address that apprise itself knows."""
        return f"{self.base}/hook/5ec4e7path".replace("http://", "json://")

    async def _wecom(self, request: web.Request) -> web.Response:
        body = await self._asked("wecom", request)
        if request.query.get("key") != WECOM_KEY:
            return _coded(93000, "invalid webhook url, hint: [1], from ip: 127.0.0.1")
        text = body["text"]["content"]
        if len(text.encode()) > 2048:
            return _coded(93000, "Invalid input : content exceed max length")
        return self._answer("wecom", text, body["msgtype"] == "text", 45009)

    async def _dingtalk(self, request: web.Request) -> web.Response:
        body = await self._asked("dingtalk", request)
        query = request.query
        if query.get("access_token") != DINGTALK_TOKEN:
            return _coded(300001, "token is not exist")
        stamp = query.get("timestamp", "")
        told = hmac.new(DINGTALK_SECRET.encode(), f"{stamp}\n{DINGTALK_SECRET}".encode(), hashlib.sha256)
        right = base64.b64encode(told.digest()).decode() == query.get("sign")
        if not right or abs(time.time() * 1000 - int(stamp)) > _MILLISECONDS_OF_AN_HOUR:
            return _coded(310000, "sign not match")
        return self._answer("dingtalk", body["text"]["content"], body["msgtype"] == "text", 130101)

    async def _feishu(self, request: web.Request) -> web.Response:
        body = await self._asked("feishu", request)
        if request.match_info["token"] != FEISHU_TOKEN:
            return web.json_response({"code": 19001, "msg": "param invalid"})
        key = f"{body.get('timestamp', '')}\n{FEISHU_SECRET}".encode()
        right = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
        if body.get("sign") != right or abs(time.time() - int(body["timestamp"])) > 3600:
            # As seen in the wild: the old pair of keys says that all is well.
            return web.json_response({"StatusCode": 0, "StatusMessage": "", "code": 19021, "msg": "sign"})
        if self.codes["feishu"]:
            return web.json_response({"code": self.codes["feishu"].popleft(), "msg": "no"})
        self.took["feishu"].append(body["content"]["text"])
        return web.json_response({"code": 0, "data": {}, "msg": "success"})

    async def _hook(self, request: web.Request) -> web.Response:
        body = await self._asked("hook", request)
        if self.codes["hook"]:
            return web.Response(status=self.codes["hook"].popleft())
        self.took["hook"].append(f"{body['title']}\n{body['message']}")
        return web.Response()

    async def _asked(self, name: str, request: web.Request) -> Any:
        self.asked[name] += 1
        body = await request.json()
        await asyncio.sleep(self.delay)
        return body

    def _answer(self, name: str, text: str, right_kind: bool, too_fast: int) -> web.Response:
        if self.codes[name]:
            return _coded(self.codes[name].popleft(), "no")
        if not right_kind:
            return _coded(40008, "invalid message type")
        if len(self.took[name]) >= 20:
            return _coded(too_fast, "exceed 20 times per minute")
        self.took[name].append(text)
        return _coded(0, "ok")


def _coded(code: int, message: str) -> web.Response:
    """Answer as the robots do: status 200, whatever the code."""
    return web.json_response({"errcode": code, "errmsg": message})


@asynccontextmanager
async def robots() -> AsyncIterator[Robots]:
    """Run the robots on a free port."""
    made = Robots()
    app = web.Application()
    app.router.add_post("/cgi-bin/webhook/send", made._wecom)
    app.router.add_post("/robot/send", made._dingtalk)
    app.router.add_post("/open-apis/bot/v2/hook/{token}", made._feishu)
    app.router.add_post("/hook/{path}", made._hook)
    runner = web.AppRunner(app, access_log=None)  # its lines would hold the keys
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
