"""The sandbox gateway: stands for the WhatsApp Business Cloud API and an SMS provider, in their wire forms, over HTTP.

It records what it is sent, answers, and tells by signed webhooks what became of it. Nothing leaves the machine, and
nothing outlives the process.

    POST /v21.0/{phone_number_id}/messages   a template message, as WhatsApp takes it
    POST /sms/v1/messages                    {to, text, reference}
    GET, DELETE /recorded                    what was sent since the last DELETE, oldest first
    PUT /behaviour                           {channel, to, does}: how it treats a number from now on

With a journal it also writes down every call, a reference sent again included, with the time at which it came.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import signal
import sys
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Annotated, Any, Literal

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError

from deploy.local.receipts import digits, now, receipt

KEPT = 100_000  # messages, behaviours, and webhooks on their way: of each at most
RECEIPT_DELAY_SECONDS = 0.1
RECEIPT_TRIES = 20
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0
POSTS_AT_ONCE = 50
TOLD_TOGETHER = 200  # statuses in one webhook at most; the real one goes up to 1000
STOP_LIMIT_SECONDS = 5

Channel = Literal["WHATSAPP", "SMS"]
Does = Literal["deliver", "fail", "silent", "receipt-first", "refuse", "bounce"]
TOLD: dict[str, tuple[str, ...]] = {
    "deliver": ("delivered",),
    "receipt-first": ("delivered",),
    "fail": ("failed",),
    "silent": (),
    "bounce": ("delivered", "failed"),
}
# Error codes of the WhatsApp Business Cloud API.
_API_SERVICE, _INVALID_PARAMETER, _TOKEN = 2, 100, 190

Number = Annotated[str, Field(pattern=r"^\+?\d{6,15}$")]
Words = Annotated[str, Field(min_length=1)]


class Sms(BaseModel):
    to: Number
    text: Words
    reference: Words


class Parameter(BaseModel):
    type: Literal["text"]
    text: Words


class Component(BaseModel):
    type: Literal["body"]
    parameters: list[Parameter] = []


class Language(BaseModel):
    code: Words


class Template(BaseModel):
    name: Words
    language: Language
    components: list[Component] = []


class WhatsApp(BaseModel):
    messaging_product: Literal["whatsapp"]
    recipient_type: Literal["individual"] = "individual"
    to: Number
    type: Literal["template"]
    template: Template
    biz_opaque_callback_data: Words | None = None


class Behaviour(BaseModel):
    """`channel` and `to` may be `*`. Of those that fit a message the latest counts."""

    channel: Channel | Literal["*"] = "*"
    to: Number | Literal["*"] = "*"
    does: Does


class Down(Exception):
    """The provider takes nothing now: 503 in the form of each."""


class Journal:
    """One line a call: seconds since 1970, what became of it (taken, known, refused), channel, reference."""

    def __init__(self, file: IO[str] | None = None) -> None:
        self._file = file

    def note(self, became: str, channel: str, reference: str | None) -> None:
        if self._file is not None:
            self._file.write(f"{time.time():.4f} {became} {channel} {reference or '-'}\n")


class Sandbox:
    """What was sent, by channel and reference: that is one message, however often it is sent."""

    def __init__(
        self,
        receipts_to: list[str],
        secret: bytes,
        *,
        delay: float = RECEIPT_DELAY_SECONDS,
        gather: float = 0,
        kept: int = KEPT,
        journal: Journal | None = None,
    ) -> None:
        self._receipts_to, self._secret, self._delay, self._kept = receipts_to, secret, delay, kept
        self._gather, self._journal = gather, journal or Journal()
        self._gathered: dict[str, list[tuple[dict[str, Any], asyncio.Future[bool]]]] = {}
        self.recorded: deque[dict[str, Any]] = deque(maxlen=kept)
        self._taken: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._behaviours: OrderedDict[tuple[str, str], tuple[int, str]] = OrderedDict()
        self._told = 0  # behaviours so far, for their order
        self._telling: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(POSTS_AT_ONCE)
        self._client = httpx.AsyncClient(timeout=5, trust_env=False)

    def behave(self, told: Behaviour) -> None:
        key = (told.channel, digits(told.to))
        self._told += 1
        self._behaviours[key] = (self._told, told.does)
        self._behaviours.move_to_end(key)
        if len(self._behaviours) > self._kept:
            self._behaviours.popitem(last=False)

    def _does(self, channel: str, to: str) -> str:
        fitting = [(one, number) for one in (channel, "*") for number in (digits(to), "*")]
        return max((self._behaviours.get(key, (0, "deliver")) for key in fitting), key=lambda one: one[0])[1]

    async def take(
        self, channel: Channel, to: str, reference: str | None, receipts_to: str, what: dict[str, Any]
    ) -> str:
        """The id of this message. Raises Down where told to refuse, and while too many webhooks wait."""
        does = self._does(channel, to)
        if does == "refuse" or len(self._telling) >= self._kept:
            self._journal.note("refused", channel, reference)
            raise Down
        key = (channel, reference or uuid.uuid4().hex)
        known = self._taken.get(key)
        self._journal.note("taken" if known is None else "known", channel, reference)
        if known is not None:
            return str(known["id"])
        record = {"id": uuid.uuid4().hex, "channel": channel, "to": to, "reference": reference, **what}
        record |= {"at": now(), "status": "accepted"}
        self._taken[key] = record
        self.recorded.append(record)
        if len(self._taken) > self._kept:
            self._taken.popitem(last=False)
        urls = [receipts_to] if receipts_to in self._receipts_to else self._receipts_to
        if does == "receipt-first":
            await self._tell_now(record, TOLD[does][0], urls)
        else:
            self._start(self._tell(record, TOLD[does], urls))
        return str(record["id"])

    async def _tell_now(self, record: dict[str, Any], status: str, urls: list[str]) -> None:
        """One try at each, before the sender has its answer; where it failed, more of them after."""
        record["status"] = status
        told = receipt(record, status)
        taken = await asyncio.gather(*(self._post(url, told) for url in urls))
        for url, done in zip(urls, taken, strict=True):
            if not done:
                self._start(self._keep_posting(url, told, None, tried=1))

    async def _tell(self, record: dict[str, Any], statuses: tuple[str, ...], urls: list[str]) -> None:
        """Each address has its statuses in order; none waits for another address."""
        before: dict[str, asyncio.Task[None]] = {}
        for status in statuses:
            await asyncio.sleep(self._delay)
            record["status"] = status
            told = receipt(record, status)
            for url in urls:
                before[url] = self._start(self._keep_posting(url, told, before.get(url)))

    async def _keep_posting(
        self, url: str, told: dict[str, Any], after: "asyncio.Task[None] | None", tried: int = 0
    ) -> None:
        if after is not None:
            await after
        for attempt in range(tried, RECEIPT_TRIES):
            if attempt:
                await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS))
            if await (self._post_gathered(url, told) if self._gather and "entry" in told else self._post(url, told)):
                return
        sys.stderr.write(f"receipt: {url}: given up after {RECEIPT_TRIES} tries\n")

    async def _post_gathered(self, url: str, told: dict[str, Any]) -> bool:
        """Like `_post`, in one webhook with the others to that address: WhatsApp's tells of many messages at once."""
        waiting = self._gathered.setdefault(url, [])
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting.append((told, answer))
        if len(waiting) == 1:
            self._start(self._post_all(url))
        return await answer

    async def _post_all(self, url: str) -> None:
        await asyncio.sleep(self._gather)
        waiting = self._gathered.pop(url)
        for first in range(0, len(waiting), TOLD_TOGETHER):
            part = waiting[first : first + TOLD_TOGETHER]
            entries = [entry for told, _ in part for entry in told["entry"]]
            done = await self._post(url, {**part[0][0], "entry": entries})
            for _, answer in part:
                if not answer.done():  # whoever waited for it may be gone at a stop
                    answer.set_result(done)

    async def _post(self, url: str, told: dict[str, Any]) -> bool:
        """Whether that was the end of it: taken, or refused in a way that trying again does not change."""
        body = json.dumps(told).encode()
        signature = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Gateway-Signature": signature}
        try:
            async with self._at_once:
                reply = await self._client.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            sys.stderr.write(f"receipt: {url}: {type(error).__name__}\n")
            return False
        if not reply.is_success:
            sys.stderr.write(f"receipt: {url} answered {reply.status_code}\n")
        return not (reply.status_code in (404, 409) or reply.is_server_error)

    def _start(self, telling: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return task

    async def close(self) -> None:
        """Webhooks that wait are dropped."""
        left = list(self._telling)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._client.aclose()


def _meta_error(status: int, message: str, kind: str, code: int) -> JSONResponse:
    error = {"message": message, "type": kind, "code": code, "fbtrace_id": uuid.uuid4().hex[:11]}
    return JSONResponse({"error": error}, status_code=status)


def _whatsapp(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    async def send(request: Request) -> JSONResponse:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return _meta_error(401, "Invalid OAuth access token.", "OAuthException", _TOKEN)
        try:
            sent = WhatsApp.model_validate_json(await request.body())
        except ValidationError as error:
            field = ".".join(map(str, error.errors(include_input=False)[0]["loc"])) or "body"
            return _meta_error(400, f"(#100) Invalid parameter: {field}", "OAuthException", _INVALID_PARAMETER)
        texts = [parameter.text for component in sent.template.components for parameter in component.parameters]
        what = {"template": sent.template.name, "language": sent.template.language.code, "parameters": texts}
        receipts_to = request.headers.get("x-receipts-to", "")
        try:
            taken = await sandbox.take("WHATSAPP", sent.to, sent.biz_opaque_callback_data, receipts_to, what)
        except Down:
            return _meta_error(503, "Service temporarily unavailable", "OAuthException", _API_SERVICE)
        contacts = [{"input": sent.to, "wa_id": digits(sent.to)}]
        answer = {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": f"wamid.{taken}"}]}
        return JSONResponse(answer)

    # a plain route: reading parameters the other way takes longer than all that is done here
    router.add_route("/v21.0/{phone_number_id}/messages", send, methods=["POST"])
    return router


def _sms(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.post("/sms/v1/messages", status_code=202)
    async def send(sent: Sms, x_receipts_to: str = Header("")) -> dict[str, str]:
        try:
            taken = await sandbox.take("SMS", sent.to, sent.reference, x_receipts_to, {"text": sent.text})
        except Down:
            raise HTTPException(503, "the provider is down") from None
        return {"message_id": taken, "status": "accepted"}

    return router


def _control(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.get("/recorded")
    async def recorded() -> JSONResponse:
        return JSONResponse(list(sandbox.recorded))

    @router.delete("/recorded", status_code=204)
    async def forget() -> None:
        """The list only: a reference sent before is still not sent again."""
        sandbox.recorded.clear()

    @router.put("/behaviour")
    async def behave(behaviour: Behaviour) -> Behaviour:
        sandbox.behave(behaviour)
        return behaviour

    return router


def gateway_app(sandbox: Sandbox) -> FastAPI:
    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await sandbox.close()

    app = FastAPI(title="Sandbox message gateway", docs_url=None, redoc_url=None, lifespan=life)
    for router in (_whatsapp(sandbox), _sms(sandbox), _control(sandbox)):
        app.include_router(router)
    return app


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.gateway", description="The sandbox message gateway.")
    parser.add_argument("--port", type=int, required=True, help="on loopback")
    parser.add_argument("--receipts-to", nargs="+", default=[], help="where webhooks go, unless a sender names one")
    parser.add_argument("--secret-file", type=Path, required=True, help="text: the secret that signs webhooks")
    parser.add_argument("--delay", type=float, default=RECEIPT_DELAY_SECONDS, help="seconds before each webhook")
    parser.add_argument("--gather", type=float, default=0, help="seconds in which WhatsApp's webhooks go as one")
    parser.add_argument("--kept", type=int, default=KEPT, help="messages it remembers at most")
    parser.add_argument("--journal", type=Path, help="file to which every call is added, a line each")
    given = parser.parse_args()
    try:
        secret = given.secret_file.read_text().strip().encode()
    except OSError as error:
        parser.error(f"--secret-file: {error.strerror}")
    if not secret:
        parser.error("--secret-file: it is empty")
    try:
        journal = Journal(given.journal.open("a", buffering=1) if given.journal else None)
    except OSError as error:
        parser.error(f"--journal: {error.strerror}")
    signal.signal(signal.SIGTERM, _end)  # uvicorn stops in order first, then raises the signal again
    sandbox = Sandbox(
        given.receipts_to, secret, delay=given.delay, gather=given.gather, kept=given.kept, journal=journal
    )
    uvicorn.run(
        gateway_app(sandbox),
        host="127.0.0.1",
        port=given.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_LIMIT_SECONDS,
    )


if __name__ == "__main__":
    main()
