"""What the sandbox gateway refuses, how it starts and ends, and that it stays small."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.gateway import Behaviour, Down, Sandbox
from deploy.local.loopback import free_ports
from deploy.local.tests.gateway_world import BEARER, NUMBER, ROOT, SECRET, Agency, form, gateway, whatsapp


@pytest.mark.parametrize(
    "body",
    [
        {"does": "explode"},
        {"does": "fail", "channel": "TELEGRAM"},
        {"does": "fail", "to": "everybody"},
        {},
    ],
)
def test_a_behaviour_it_does_not_know_is_refused(client: httpx.Client, body: dict[str, str]) -> None:
    assert client.put("/behaviour", json=body).status_code == 422


@pytest.mark.parametrize(
    "broken",
    [
        {"messaging_product": "telegram"},
        {"type": "text"},
        {"to": "nobody"},
        {"template": None},
        {"template": {"name": "kabar_v1"}},
        {
            "template": {
                "name": "kabar_v1",
                "language": {"code": "id"},
                "components": [{"type": "body", "parameters": 1}],
            }
        },
    ],
)
def test_a_whatsapp_message_of_another_form_is_refused_as_meta_does(
    client: httpx.Client, agency: Agency, reference: str, broken: dict[str, Any]
) -> None:
    refused = whatsapp(client, agency, reference, **broken)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 100)
    assert refused.json()["error"]["type"] == "OAuthException"
    assert client.get("/recorded").json() == []


def test_what_is_no_json_is_refused_as_meta_does(client: httpx.Client) -> None:
    refused = client.post("/v21.0/100/messages", content=b"{", headers=BEARER)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 100)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic eDp5"}])
def test_whatsapp_asks_for_a_token(client: httpx.Client, reference: str, headers: dict[str, str]) -> None:
    refused = client.post("/v21.0/100/messages", json=form(reference), headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, 190)
    assert client.get("/recorded").json() == []


@pytest.mark.parametrize("missing", ["to", "text", "reference"])
def test_an_sms_of_another_form_is_refused(client: httpx.Client, reference: str, missing: str) -> None:
    body = {"to": NUMBER, "text": "x", "reference": reference}
    del body[missing]
    assert client.post("/sms/v1/messages", json=body).status_code == 422


def test_it_ends_cleanly_even_while_receipts_wait(tmp_path: Path, reference: str) -> None:
    deaf = f"http://127.0.0.1:{next(free_ports())}/receipts"
    with gateway(tmp_path, deaf) as (client, process):
        client.post("/sms/v1/messages", json={"to": NUMBER, "text": "x", "reference": reference})
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_without_a_secret_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for file in ("empty", "not-there"):
        command = [sys.executable, "-m", "deploy.local.gateway", "--port", "1", "--secret-file", str(tmp_path / file)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 2
        assert "--secret-file" in ended.stderr.splitlines()[-1]


async def test_it_keeps_the_last_messages_only() -> None:
    sandbox = Sandbox([], SECRET, kept=3)
    for number in range(10):
        await sandbox.take("SMS", NUMBER, f"r{number}", "", {"text": "x"})
        await asyncio.sleep(0.15)
    assert [one["reference"] for one in sandbox.recorded] == ["r7", "r8", "r9"]
    await sandbox.take("SMS", NUMBER, "r9", "", {"text": "x"})
    await sandbox.take("SMS", NUMBER, "r0", "", {"text": "x"})  # forgotten, so new
    assert [one["reference"] for one in sandbox.recorded] == ["r8", "r9", "r0"]
    for number in range(10):
        sandbox.behave(Behaviour(to=f"+62810000000{number}", does="refuse"))
    await sandbox.take("SMS", "+628100000000", "first", "", {"text": "x"})  # too long ago
    with pytest.raises(Down):
        await sandbox.take("SMS", "+628100000009", "last", "", {"text": "x"})
    await sandbox.close()


async def test_it_takes_no_more_than_it_can_tell_of() -> None:
    sandbox = Sandbox([], SECRET, kept=3, delay=30)
    for number in range(3):
        await sandbox.take("SMS", NUMBER, f"r{number}", "", {"text": "x"})
    with pytest.raises(Down):
        await sandbox.take("SMS", NUMBER, "r3", "", {"text": "x"})
    await sandbox.close()
