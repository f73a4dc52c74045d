"""Topics as manifests, agreements and the catalogue ask for them. Only makes what is missing; never removes."""

from collections.abc import Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from chassis.catalogue import Catalogue
from deploy.basudara.manifests import Agency


def make_topics(
    kafka: str, catalogue: Catalogue, agencies: Mapping[str, Agency], pairs: frozenset[tuple[str, str]]
) -> list[str]:
    """Make every topic of these agencies and pairs that is missing. Returns the names that were made."""
    admin = AdminClient({"bootstrap.servers": kafka})
    wanted = catalogue.topics({code: one.owns() for code, one in agencies.items()}, pairs)
    there = admin.list_topics(timeout=10).topics
    missing = [
        NewTopic(name, num_partitions=channel.partitions, replication_factor=1, config=dict(channel.configuration))
        for name, channel in wanted.items()
        if name not in there
    ]
    made = admin.create_topics(missing) if missing else {}
    for name, future in made.items():
        try:
            future.result(timeout=20)
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":  # another process was quicker: all is well
                raise RuntimeError(f"topic {name}: {error.args[0].str()}") from error
    return sorted(made)
