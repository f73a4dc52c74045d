"""The engine's broker and store as machines that a test may kill, stop and start again on the same data."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient
from pymongo import MongoClient
from pymongo.errors import AutoReconnect

from deploy.local import kafka, mongo, ports, processes
from deploy.local.engine import Extras
from deploy.local.processes import Child


class Machines:
    """`side_door`: where Kafka tells clients that come in by its side to connect, and a proxy listens."""

    def __init__(self, home: Path, extras: Extras, kafka_address: str, mongo_url: str) -> None:
        self._home, self._extras = home, extras
        self.kafka, self.mongo = kafka_address, mongo_url
        known = ports.last(home)
        assert known is not None
        self.mongo_port = known.mongo
        self._cluster = kafka.Cluster(home=home, ports=known, side_door=extras.side_door)
        self.side_port, self.told_port = extras.side_door or (0, 0)

    def stop_broker(self, node: int = 1) -> None:
        """An orderly stop."""
        processes.stop(self._broker(node), pid_file=kafka.pid_file(self._home, node), limit_seconds=15)

    def kill_broker(self, node: int = 1) -> None:
        """SIGKILL: it gets no chance to hand over."""
        child = self._broker(node)
        os.kill(child.pid, signal.SIGKILL)
        processes.stop(child, pid_file=kafka.pid_file(self._home, node))  # returns when it is gone

    def lose_disk(self, node: int) -> None:
        """Nothing of what a broker kept is there any more; it must not run."""
        shutil.rmtree(kafka.data(self._home, node))

    def start_broker(self, node: int = 1) -> None:
        """Until it serves clients and knows all others."""
        self._cluster.wait_for(node, self._cluster.start_one(node, foreground=True))

    def leader(self, topic: str) -> int:
        """The broker that takes the records of this topic's first partition."""
        return int(self._topics()[topic].partitions[0].leader)

    def in_sync(self) -> bool:
        """Every broker has all of every partition again."""
        copies = [len(part.isrs) for topic in self._topics().values() for part in topic.partitions.values()]
        return min(copies) == len(self._cluster.nodes)

    def _topics(self) -> dict[str, Any]:
        return AdminClient({"bootstrap.servers": self.kafka, "log_level": 0}).list_topics(timeout=20).topics

    def _broker(self, node: int) -> Child:
        return self._running(kafka.pid_file(self._home, node))

    def stop_store(self) -> None:
        pid_file = mongo.pid_file(self._home)
        processes.stop(self._running(pid_file), pid_file=pid_file, limit_seconds=15)

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

    @staticmethod
    def _running(pid_file: Path) -> Child:
        child = processes.find(pid_file)
        assert child is not None, f"{pid_file.stem} does not run"
        return child
