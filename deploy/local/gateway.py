"""The sandbox gateway: stands for the WhatsApp Business Cloud API and an SMS provider, in their wire forms, over HTTP.

It records what it is sent, answers, and tells by signed webhooks what became of it. Nothing leaves the machine.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import sys
import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

KEPT = 100_000
RECEIPT_DELAY_SECONDS = 0.1
RECEIPT_TRIES = 20
Does = Literal["deliver", "fail", "silent", "receipt-first", "refuse", "bounce"]
TOLD: dict[str, tuple[str, ...]] = {
    "deliver": ("delivered",),
    "receipt-first": ("delivered",),
    "fail": ("failed",),
    "silent": (),
    "bounce": ("delivered", "failed"),
}


class Sms(BaseModel):
    to: str
    text: str
    reference: str


class Behaviour(BaseModel):
    """`channel` and `to` may be `*`. The latest that fits counts."""

    channel: Literal["WHATSAPP", "SMS", "*"] = "*"
    to: str = "*"
    does: Does


class Sandbox:
    """What was sent, by reference: the same reference is one message, however often it is sent."""

    def __init__(self, receipts_to: list[str], secret: bytes) -> None:
        self._receipts_to, self._secret = receipts_to, secret
        self.recorded: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.behaviours: list[Behaviour] = []
        self._telling: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=5, trust_env=False)

    def does(self, channel: str, to: str) -> str:
        for one in reversed(self.behaviours):
            if one.channel in ("*", channel) and one.to in ("*", to):
                return one.does
        return "deliver"

    async def take(
        self, channel: str, to: str, reference: str, receipts_to: str, what: dict[str, Any]
    ) -> dict[str, Any]:
        """The record of this message. Raises HTTPException 503 where it is told to refuse."""
        does = self.does(channel, to)
        if does == "refuse":
            raise HTTPException(503, "the provider is down")
        if reference in self.recorded:
            return self.recorded[reference]
        at = datetime.now(UTC).isoformat()
        record = {
            "id": uuid.uuid4().hex,
            "channel": channel,
            "to": to,
            "reference": reference,
            "at": at,
            "status": "accepted",
            **what,
        }
        self.recorded[reference] = record
        while len(self.recorded) > KEPT:
            self.recorded.popitem(last=False)
        if does == "receipt-first":
            await self._tell(record, does, receipts_to, delay=0, tries=1)
        else:
            task = asyncio.create_task(
                self._tell(record, does, receipts_to, delay=RECEIPT_DELAY_SECONDS, tries=RECEIPT_TRIES)
            )
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
        return record

    async def _tell(self, record: dict[str, Any], does: str, receipts_to: str, *, delay: float, tries: int) -> None:
        for status in TOLD[does]:
            await asyncio.sleep(delay)
            record["status"] = status
            body = json.dumps(_receipt(record, status)).encode()
            for url in [receipts_to] if receipts_to in self._receipts_to else self._receipts_to:
                await self._post(url, body, tries)

    async def _post(self, url: str, body: bytes, tries: int) -> None:
        signature = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Gateway-Signature": signature}
        for attempt in range(tries):
            try:
                reply = await self._client.post(url, content=body, headers=headers)
                if reply.status_code < 300:
                    return
                sys.stderr.write(f"receipt: {url} answered {reply.status_code}\n")
            except httpx.HTTPError as error:
                sys.stderr.write(f"receipt: {url}: {type(error).__name__}\n")
            await asyncio.sleep(min(0.2 * 2**attempt, 10))


def _receipt(record: dict[str, Any], status: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    if record["channel"] == "SMS":
        told = {"message_id": record["id"], "reference": record["reference"], "status": status}
        return {**told, "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    row: dict[str, Any] = {
        "id": f"wamid.{record['id']}",
        "status": status,
        "timestamp": str(int(now.timestamp())),
        "recipient_id": record["to"].lstrip("+"),
        "biz_opaque_callback_data": record["reference"],
    }
    if status == "failed":
        row["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
    value = {"messaging_product": "whatsapp", "statuses": [row]}
    entry = {"id": "0", "changes": [{"field": "messages", "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _meta_error(message: str, code: int) -> JSONResponse:
    body = {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": uuid.uuid4().hex[:11]}}
    return JSONResponse(body, status_code=400)


def gateway_app(sandbox: Sandbox) -> FastAPI:
    app = FastAPI(title="Sandbox message gateway", docs_url=None, redoc_url=None)

    @app.post("/v21.0/{number_id}/messages")
    async def whatsapp(number_id: str, request: Request, x_receipts_to: str = Header("")) -> Any:
        body = await request.json()
        if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
            return _meta_error("(#100) messaging_product must be whatsapp", 100)
        template, to = body.get("template"), body.get("to")
        if body.get("type") != "template" or not isinstance(template, dict) or not isinstance(to, str):
            return _meta_error("(#100) Invalid parameter", 100)
        reference = body.get("biz_opaque_callback_data") or uuid.uuid4().hex
        what = {"template": template.get("name"), "components": template.get("components", [])}
        record = await sandbox.take("WHATSAPP", to, reference, x_receipts_to, what)
        contacts = [{"input": to, "wa_id": to.lstrip("+")}]
        return {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": f"wamid.{record['id']}"}]}

    @app.post("/sms/v1/messages", status_code=202)
    async def sms(body: Sms, x_receipts_to: str = Header("")) -> dict[str, str]:
        record = await sandbox.take("SMS", body.to, body.reference, x_receipts_to, {"text": body.text})
        return {"message_id": record["id"], "status": "accepted"}

    @app.get("/recorded")
    async def recorded() -> list[dict[str, Any]]:
        return list(sandbox.recorded.values())

    @app.delete("/recorded", status_code=204)
    async def forget() -> None:
        sandbox.recorded.clear()

    @app.put("/behaviour")
    async def behave(behaviour: Behaviour) -> Behaviour:
        sandbox.behaviours.append(behaviour)
        return behaviour

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--receipts-to", nargs="+", default=[], help="where webhooks go, unless a sender names one of them"
    )
    parser.add_argument("--secret-file", type=Path, required=True)
    given = parser.parse_args()
    sandbox = Sandbox(given.receipts_to, given.secret_file.read_text().strip().encode())
    uvicorn.run(gateway_app(sandbox), host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
