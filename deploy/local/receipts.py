"""What the sandbox gateway tells of a message that it took: the webhooks of WhatsApp and of an SMS provider."""

from datetime import UTC, datetime
from typing import Any

_UNDELIVERABLE = 131026  # an error code of the WhatsApp Business Cloud API


def digits(number: str) -> str:
    return number.removeprefix("+")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def receipt(record: dict[str, Any], status: str) -> dict[str, Any]:
    return _sms_receipt(record, status) if record["channel"] == "SMS" else _whatsapp_receipt(record, status)


def _sms_receipt(record: dict[str, Any], status: str) -> dict[str, Any]:
    return {"message_id": record["id"], "reference": record["reference"], "status": status, "at": now()}


def _whatsapp_receipt(record: dict[str, Any], status: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": f"wamid.{record['id']}",
        "status": status,
        "timestamp": str(int(datetime.now(UTC).timestamp())),
        "recipient_id": digits(record["to"]),
    }
    if record["reference"] is not None:
        row["biz_opaque_callback_data"] = record["reference"]
    if status == "failed":
        row["errors"] = [{"code": _UNDELIVERABLE, "title": "Message undeliverable"}]
    value = {"messaging_product": "whatsapp", "statuses": [row]}
    entry = {"id": "0", "changes": [{"field": "messages", "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}
