"""A subscriber in twenty lines, with aiokafka and nothing of ours: each event takes effect once, whatever dies."""

import asyncio
import json
import os
import re
import sqlite3

from aiokafka import AIOKafkaConsumer
from aiokafka.helpers import create_ssl_context

REGISTERS = "id.basudara.agreement.agreement.recorded.v1,id.basudara.training.programme.published.v1"
WANTED = set(os.environ.get("TYPES", REGISTERS).split(","))
USER, PASSWORD = os.environ.get("KAFKA_USER"), os.environ.get("KAFKA_PASSWORD", "")
LOGIN = {"security_protocol": os.environ.get("KAFKA_PROTOCOL", "SASL_PLAINTEXT"), "sasl_mechanism": "SCRAM-SHA-512",
         "sasl_plain_username": USER, "sasl_plain_password": PASSWORD,
         "ssl_context": create_ssl_context()} if USER else {}  # fmt: skip


async def main() -> None:
    kept = sqlite3.connect(os.environ.get("KEPT", "kept.db"))
    kept.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, type TEXT, subject TEXT, data TEXT)")
    async with AIOKafkaConsumer(
        bootstrap_servers=os.environ["KAFKA"], group_id=os.environ["GROUP"], auto_offset_reset="earliest",
        enable_auto_commit=False, isolation_level="read_committed", **LOGIN,
    ) as consumer:  # fmt: skip
        seen = [topic for topic in sorted(await consumer.topics()) if re.match(os.environ["TOPICS"], topic)]
        print("reads", *seen or ["nothing yet: no topic that it may see fits the pattern"], flush=True)
        consumer.subscribe(pattern=os.environ["TOPICS"])  # topics made later are found within five minutes
        async for record in consumer:
            if dict(record.headers).get("ce_type", b"").decode() in WANTED and record.value is not None:
                event = json.loads(record.value)  # members that we do not know pass by
                row = (f"{event['source']} {event['id']}", event["type"], event["subject"], json.dumps(event["data"]))
                with kept:  # the work, and the note that it is done, in one transaction
                    fresh = kept.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", row).rowcount
                print("new" if fresh else "known", event["type"], event["subject"], flush=True)
            await consumer.commit()  # only now: what is not committed comes again


if __name__ == "__main__":
    asyncio.run(main())
