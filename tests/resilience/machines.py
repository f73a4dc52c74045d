"""The engine's broker and store as machines that a test may kill, stop and start again on the same data."""

import json
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect

from deploy.local import kafka, mongo, processes
from deploy.local.engine import Extras


class Machines:
    """`side_door`: where Kafka tells clients that come in by its side to connect, and a proxy listens."""

    def __init__(self, home: Path, extras: Extras, kafka_address: str, mongo_url: str) -> None:
        self._home, self._extras = home, extras
        self.kafka, self.mongo = kafka_address, mongo_url
        self.kafka_port = int(kafka_address.rpartition(":")[2])
        self.mongo_port = int(mongo_url.split("//")[1].split("/")[0].rpartition(":")[2])
        assert extras.side_door is not None
        self.side_port, self.told_port = extras.side_door

    def stop_broker(self) -> None:
        """An orderly stop."""
        self._stop("kafka")

    def start_broker(self) -> None:
        ports = json.loads((self._home / "run" / "ports.json").read_text())
        child = kafka.start(
            self._home,
            port=self.kafka_port,
            controller_port=ports["controller"],
            foreground=True,
            side_door=self._extras.side_door,
        )
        kafka.wait(self._home, child, port=self.kafka_port)

    def stop_store(self) -> None:
        self._stop("mongo")

    def start_store(self) -> None:
        child = mongo.start(self._home, port=self.mongo_port, foreground=True, fail_points=self._extras.fail_points)
        mongo.wait(self._home, child, port=self.mongo_port)

    def step_down(self, seconds: int = 2) -> None:
        """The store refuses writes for so long, as when a replica set elects anew."""
        with self._client() as client:
            try:
                client.admin.command("replSetStepDown", seconds, secondaryCatchUpPeriodSecs=0, force=True)
            except AutoReconnect:
                return  # some servers close the asker's connection too

    def fail_command(self, times: int, commands: list[str], **data: Any) -> None:
        """MongoDB's fail point: the next `times` of these commands fail as `data` says (errorCode, errorLabels, …)."""
        with self._client() as client:
            mode: Any = {"times": times}
            client.admin.command(
                "configureFailPoint", "failCommand", mode=mode, data={"failCommands": commands, **data}
            )

    def fail_no_more(self) -> None:
        with self._client() as client:
            client.admin.command("configureFailPoint", "failCommand", mode="off")

    def _client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient("127.0.0.1", self.mongo_port, directConnection=True)

    def _stop(self, name: str) -> None:
        pid_file = self._home / "run" / f"{name}.pid"
        child = processes.find(pid_file)
        assert child is not None, f"{name} does not run"
        processes.stop(child, pid_file=pid_file, limit_seconds=15)
