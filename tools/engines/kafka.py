"""Kafka in KRaft mode: one process that is broker and controller."""

import base64
import os
import subprocess
import uuid
from pathlib import Path

from aiokafka import AIOKafkaClient

from tools.engines.engine import Engine, ask, is_listening
from tools.engines.problems import EngineProblem

_CONFIGURATION = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{main},CONTROLLER://127.0.0.1:{controller},SECURED://127.0.0.1:{secured}
advertised.listeners=PLAINTEXT://127.0.0.1:{main},SECURED://127.0.0.1:{secured}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_{user}="{password}" user_{guest}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{user}
listener.name.secured.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
log.dirs={data}
# Topics are made by whoever knows how many partitions they need.
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
"""
_LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout:
        pattern: "%d{ISO8601} %p %m (%c{1})%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        ref: out
    Logger:
      - name: kafka.server
        level: INFO
"""
_JAVA_OPTIONS = ("-Xms96m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class Kafka(Engine):
    """A single node; clients get its one address.

    Whoever uses the plain port, and ``user``, may do everything; ``guest``, who has the same password, nothing.
    """

    name = "kafka"
    user = "limner"
    guest = "guest"
    port_names = ("main", "controller", "secured")
    start_timeout_seconds = 240

    @property
    def servers(self) -> str:
        """The bootstrap servers."""
        return f"127.0.0.1:{self.port}"

    @property
    def secured_servers(self) -> str:
        """The bootstrap servers over TLS, with SASL by PLAIN or SCRAM-SHA-512 as ``user`` with ``password``."""
        return f"127.0.0.1:{self.ports['secured']}"

    def settings(self) -> dict[str, str]:
        """The product's variables that lead to this engine."""
        return {"LIMNER_KAFKA_SERVERS": self.servers}

    def prepare(self) -> None:
        """Write its configuration, and format its storage when it is new."""
        path = self.folder / "server.properties"
        path.touch(0o600)
        path.write_text(
            _CONFIGURATION.format(
                **self.ports,
                data=self._data,
                user=self.user,
                guest=self.guest,
                password=self.password,
                keystore=self.certificates.both,
            )
        )
        (self.folder / "log4j2.yaml").write_text(_LOGGING)
        if not (self._data / "meta.properties").exists():
            self._format()

    def command(self) -> list[str | Path]:
        """The command of its process."""
        return [*self._java(), "kafka.Kafka", self.folder / "server.properties"]

    def answers(self) -> bool:
        """Say whether the broker tells of itself."""
        return is_listening(self.port) and ask(self._greet())

    async def _greet(self) -> None:
        client = AIOKafkaClient(bootstrap_servers=self.servers, request_timeout_ms=3000)
        try:
            await client.bootstrap()
            if not client.cluster.brokers():
                raise ConnectionError("no broker yet")
        finally:
            await client.close()

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [
            *(*self._java(), "kafka.tools.StorageTool", "format"),
            *("-t", cluster, "-c", self.folder / "server.properties"),
            *("--add-scram", f"SCRAM-SHA-512=[name={self.user},password={self.password}]"),
        ]
        result = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=self.start_timeout_seconds
        )
        if result.returncode:
            raise EngineProblem(f"Kafka's storage could not be formatted: {(result.stderr or result.stdout).strip()[-500:]}")

    def _java(self) -> list[str | Path]:
        jars = self.supplies.kafka()
        return [
            self.supplies.program("java"),
            *_JAVA_OPTIONS,
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.yaml'}",
            *("-cp", f"{jars}{os.sep}*"),
        ]

    @property
    def _data(self) -> Path:
        return self.folder / "data"
