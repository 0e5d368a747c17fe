"""The price of a push on the knowledge topic: what is told, and another price.

*Contract*: raises ``KairosError`` when the brokers do not answer, or when a price from the future stands in the way.
"""

from flink_job.codec.errors import DecodeError
from flink_job.codec.item_knowledge import FactsDecoder, encode_facts
from flink_job.core.learning.facts import PriceFacts
from flink_job.core.learning.signals import PRICE_OF_ALL
from kairos.contract.connection import Connection
from kairos.contract.reading import read_to_end
from kairos.errors import KairosError
from kairos.policy.release import moment_in_words
from kairos.policy.topic import Place, write

_ANY_TIME_MS = 1 << 62


def read_price(there: Connection) -> PriceFacts | None:
    """The newest price, as a job that reads the whole topic would see it; ``None`` if none was ever told. Bad records are passed over."""
    decoder = FactsDecoder(max_record_bytes=1 << 30, max_id_bytes=1 << 30)
    newest: PriceFacts | None = None
    for record in read_to_end(there, "knowledge"):
        if record.key != PRICE_OF_ALL.encode():
            continue
        try:
            facts = decoder.decode(PRICE_OF_ALL, record.value, record.timestamp, _ANY_TIME_MS)
        except DecodeError:
            continue
        if isinstance(facts, PriceFacts) and (newest is None or facts.made_at_ms > newest.made_at_ms):
            newest = facts
    return newest


def make_price(price: float, valid_until_ms: int, newest: PriceFacts | None, made_at_ms: int, most_future_ms: int) -> PriceFacts:
    """Newer than the newest there is. Raises ``KairosError`` where nothing made now could be."""
    if newest is not None and newest.made_at_ms >= made_at_ms + most_future_ms:
        raise KairosError(
            f"The newest price says it was made at {moment_in_words(newest.made_at_ms)}, which is still to come: "
            "nothing made now could replace it.",
            "Set this machine's clock.",
        )
    return PriceFacts(made_at_ms if newest is None else max(made_at_ms, newest.made_at_ms + 1), price, valid_until_ms)


def price_in_force(newest: PriceFacts | None, at_ms: int) -> float:
    """What a push costs at this moment."""
    if newest is None or (newest.valid_until_ms and at_ms >= newest.valid_until_ms):
        return 0.0
    return newest.price


def publish_price(there: Connection, price: PriceFacts) -> Place:
    """Writes it, and waits until all copies have it."""
    return write(there, PRICE_OF_ALL, encode_facts(price))
