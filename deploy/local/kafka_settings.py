"""What a broker is told: who may connect where, how they prove who they are, and how much is kept how often."""

from collections.abc import Sequence
from pathlib import Path

from chassis.login import MECHANISM, Login
from deploy.local.certificates import Certificate

_SECURITY = "org.apache.kafka.common.security"

LOG4J = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c)%n
"""


def properties(
    node: int,
    data: Path,
    *,
    ports: Sequence[int],
    controllers: Sequence[int],
    side_door: tuple[int, int] | None = None,
    operator: Login | None = None,
    certificate: Certificate | None = None,
) -> str:
    """Of the broker `node`, counted from 1: `ports` and `controllers` are those of all.

    `operator`: whoever connects shows a password; `certificate`: over TLS.
    """
    protocol = ("SASL_SSL" if certificate else "SASL_PLAINTEXT") if operator else "PLAINTEXT"
    return f"""\
process.roles=broker,controller
node.id={node}
{_listeners(ports[node - 1], controllers[node - 1], side_door, protocol)}
controller.quorum.voters={",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(controllers, 1))}
{_rights(operator) if operator else ""}
{_tls(certificate) if certificate else ""}
log.dirs={data}
auto.create.topics.enable=false
{_copies(len(ports))}
# quick first use: few internal partitions, no waiting for more group members
offsets.topic.num.partitions=5
transaction.state.log.num.partitions=5
group.initial.rebalance.delay.ms=0
# a killed broker comes back only when its old session is over: sooner than 9 s, and not so soon that a busy machine
# loses a living one
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
# the default takes 128 MiB of the heap at start
log.cleaner.dedupe.buffer.size=16777216
"""


def _listeners(port: int, controller_port: int, side_door: tuple[int, int] | None, protocol: str) -> str:
    here, told = (f",SIDE://127.0.0.1:{one}" for one in side_door) if side_door else ("", "")
    return f"""\
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{here}
advertised.listeners=CLIENTS://127.0.0.1:{port}{told}
listener.security.protocol.map=CONTROLLER:{protocol},CLIENTS:{protocol},SIDE:{protocol}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER"""


def _rights(operator: Login) -> str:
    """Everybody shows a password; only the operator may do what no rule allows."""
    known = f'required username="{operator.user}" password="{operator.password}"'
    scram = f"{_SECURITY}.scram.ScramLoginModule {known};"
    # Controllers meet before they can read who the users are: what they show each other stands here.
    plain = f'{_SECURITY}.plain.PlainLoginModule {known} user_{operator.user}="{operator.password}";'
    return f"""\
sasl.enabled.mechanisms={MECHANISM}
sasl.mechanism.inter.broker.protocol={MECHANISM}
listener.name.clients.{MECHANISM.lower()}.sasl.jaas.config={scram}
listener.name.side.{MECHANISM.lower()}.sasl.jaas.config={scram}
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.plain.sasl.jaas.config={plain}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{operator.user}
allow.everyone.if.no.acl.found=false"""


def _tls(certificate: Certificate) -> str:
    """One certificate for clients, brokers and controllers; names are checked, as is Kafka's default."""
    return f"""\
ssl.keystore.type=PEM
ssl.keystore.location={certificate.server}
ssl.truststore.type=PEM
ssl.truststore.location={certificate.authorities}"""


def _copies(brokers: int) -> str:
    """Every topic is on all brokers, and a write counts when one may be lost at once: of three, two have it."""
    enough = min(2, brokers)
    return f"""\
default.replication.factor={brokers}
min.insync.replicas={enough}
offsets.topic.replication.factor={brokers}
transaction.state.log.replication.factor={brokers}
transaction.state.log.min.isr={enough}
share.coordinator.state.topic.replication.factor={brokers}
share.coordinator.state.topic.min.isr={enough}"""
