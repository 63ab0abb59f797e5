"""The bus of a cluster: Apache Kafka by aiokafka. Imported only where Kafka is used."""

from limner_common.bus.kafka.bus import KafkaBus
from limner_common.bus.kafka.connection import KafkaConnection

__all__ = ["KafkaBus", "KafkaConnection"]
