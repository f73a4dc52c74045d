"""A chain of four stages as small as can be, in two builds: on the chassis with its guarantees, and as a user of
FastStream writes it without any. Each stage keeps one document per case and says one event for each it hears."""

import asyncio
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import yaml
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

from chassis.consuming import Listener
from chassis.kept import Kept
from chassis.running import Parts
from chassis.settings import ChassisSettings
from chassis.wire import Heard, Said
from chassis.work import Work

STAGES = ("intake", "referral", "training", "notification")
TYPE = "id.basudara.{}.step.done.v1"
STEPS = ("driver", *STAGES)  # who says a step; the driver's are the commands
PAD = "x" * 400  # an event of about 1 KB, as ours are


def topic(agency: str, step: str) -> str:
    return f"{agency}.{step}.step.v1"


def write_contracts(folder: Path, partitions: int) -> Path:
    """A catalogue of the chain, in the form of contracts/."""
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("case_ref", "step_id", "said_at", "pad")},
        "required": ["case_ref", "step_id", "said_at", "pad"],
        "additionalProperties": False,
    }
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    binding = {"kafka": {"partitions": partitions, "topicConfiguration": {}}}
    for step in STEPS:
        kind = TYPE.format(step)
        own = {"owner": step, "readers": ["own"], "key": ["case_ref"]}
        channels[step] = {
            "address": f"{{owner}}.{step}.step.v1", "messages": {kind: {}}, "bindings": binding, "x-basudara": own,
        }  # fmt: skip
        (folder / "events" / kind).mkdir(parents=True)
        (folder / "events" / kind / "schema.json").write_text(json.dumps(schema))
    for name in ("retry", "parked"):
        own = {"owner": "{service}", "readers": ["own"], "key": []}
        address = f"{{owner}}.{{service}}.{{group}}.{name}.v1"
        channels[name] = {"address": address, "bindings": binding, "x-basudara": own}
    for before, step in zip(STEPS, STAGES, strict=False):
        operations[f"{step}.reads"] = {
            "action": "receive", "channel": {"$ref": f"#/channels/{before}"},
            "messages": [{"$ref": f"#/channels/{before}/messages/{TYPE.format(before)}"}],
            "x-basudara": {"service": step, "group": "steps", "from": "own"},
        }  # fmt: skip
    (folder / "asyncapi.yaml").write_text(yaml.safe_dump({"channels": channels, "operations": operations}))
    return folder


# -- on the chassis ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Tally:
    id: str
    version: int
    steps: int = 0


def build_stage(step: str, before: str) -> Any:
    """`bootstrap.build` of one stage."""

    class Step(Heard):
        TYPE: ClassVar[str] = TYPE.format(before)
        case_ref: str
        step_id: str
        said_at: str
        pad: str

    class Done(Said):
        TYPE: ClassVar[str] = TYPE.format(step)
        case_ref: str
        step_id: str
        said_at: str
        pad: str

    async def take_step_when_done(event: Step, work: Work) -> None:
        tally = await work.find(Tally, event.case_ref) or Tally(id=event.case_ref, version=0)
        after = replace(tally, version=tally.version + 1, steps=tally.steps + 1)
        work.save(after, Done(case_ref=event.case_ref, step_id=event.step_id, said_at=event.said_at, pad=event.pad))

    def build(_settings: ChassisSettings) -> Parts:
        listener = Listener(step, "steps")
        listener.to(Step, loads=lambda event: [(Tally, event.case_ref)])(take_step_when_done)
        return Parts(
            title=step, description="A stage of the chain", routers=[], listener=listener,
            kept=[Kept(Tally, "tallies")],
        )  # fmt: skip

    return build


# -- as a user writes it -----------------------------------------------------------------------------------------------


class Step(BaseModel):
    case_ref: str
    step_id: str
    said_at: str
    pad: str


class Naive:
    """One handler, one insert, one publish; FastStream's defaults, which guarantee nothing."""

    def __init__(self, kafka: str, mongo: str, database: str, batched: bool = False) -> None:
        self.handled = 0
        self._broker = KafkaBroker(kafka, logger=None)
        self._steps: Any = AsyncIOMotorClient(mongo)[database]["steps"]
        self._kafka, self._batched = kafka, batched

    async def start(self, source: str, target: str) -> None:
        if self._batched:
            self._producer = AIOKafkaProducer(bootstrap_servers=self._kafka, max_batch_size=256 * 1024)
            await self._producer.start()

            @self._broker.subscriber(
                source, batch=True, max_records=500, batch_timeout_ms=20, group_id=source, auto_offset_reset="earliest"
            )
            async def take_steps(steps: list[Step]) -> None:
                await self._steps.insert_many([step.model_dump() for step in steps])
                sent = [
                    await self._producer.send(target, step.model_dump_json().encode(), step.case_ref.encode())
                    for step in steps
                ]
                await asyncio.gather(*sent)
                self.handled += len(steps)

        else:

            @self._broker.subscriber(source, group_id=source, auto_offset_reset="earliest")
            async def take_step(step: Step) -> None:
                await self._steps.insert_one(step.model_dump())
                await self._broker.publish(step, target, key=step.case_ref.encode())
                self.handled += 1

        await self._broker.start()

    async def stop(self) -> None:
        await self._broker.stop()
        if self._batched:
            await self._producer.stop()


def plain_step(case_ref: str, step_id: str) -> dict[str, str]:
    return {"case_ref": case_ref, "step_id": step_id, "said_at": repr(time.time()), "pad": PAD}
