"""What all users share, taken in record by record: the catalogue, what was learned, and policies. No Flink here."""

from __future__ import annotations

from collections.abc import Sequence

from flink_job.codec.errors import INVALID_FIELD, NULL_KEY, DecodeError
from flink_job.codec.item_knowledge import FactsDecoder, is_gone, tells_facts
from flink_job.codec.items import ItemDecoder
from flink_job.codec.origin import parse_origin
from flink_job.core.catalogue import Catalogue
from flink_job.core.knowledge import Knowledge
from flink_job.metrics import Metrics
from flink_job.policy_feed import STORED, Change, PolicyFeed
from flink_job.settings import EngineSettings

_ANY_TIME_MS = 1 << 62


class SharedFeed:
    """Changes the catalogue, the knowledge and the policies of one operator instance, and says what of each record is to be stored."""

    def __init__(
        self, settings: EngineSettings, catalogue: Catalogue, knowledge: Knowledge, policies: PolicyFeed, metrics: Metrics
    ) -> None:
        self._items_topic = settings.items_topic
        self._max_future_ms = settings.max_future_ms
        self._catalogue = catalogue
        self._knowledge = knowledge
        self._policies = policies
        self._metrics = metrics
        self._items = ItemDecoder(settings.feature_dim, settings.max_record_bytes, settings.max_id_bytes)
        self._facts = FactsDecoder(settings.max_record_bytes, settings.max_id_bytes)

    def take(self, key: str | None, payload: bytes | None, origin: str, wall_ms: int) -> tuple[Sequence[Change], DecodeError | None]:
        """Take in one record of the catalogue or the knowledge topic: what is to be stored of it, and why it was refused, if it was."""
        try:
            if parse_origin(origin).topic == self._items_topic:
                return self._change_catalogue(key, payload, origin), None
            if key and tells_facts(key):
                return self._learn(key, payload, origin, wall_ms), None
            return self._policies.take(key, payload, origin, wall_ms)
        except DecodeError as error:
            return (), error

    def restore(self, stored: dict[str, bytes], wall_ms: int) -> None:
        """Take in what was stored, by the keys under which it was."""
        for key, payload in sorted(stored.items()):
            try:
                if key.startswith(STORED):
                    self._restore_knowledge(key, payload, wall_ms)
                    continue
                item, _ = self._items.decode(key, payload)
            except DecodeError:  # it was good once: catalogue.feature_dim or a limit was changed since
                self._metrics.add("items_unusable")
            else:
                self._catalogue.upsert(item)

    def _change_catalogue(self, key: str | None, payload: bytes | None, origin: str) -> Sequence[Change]:
        if not key:
            raise DecodeError(NULL_KEY, "key: an item is keyed by its item id")
        if payload is None:
            changed = self._catalogue.remove(key, parse_origin(origin).timestamp_ms)
        else:
            item, deleted = self._items.decode(key, payload)
            try:
                changed = self._catalogue.remove(key, item.updated_at_ms) if deleted else self._catalogue.upsert(item)
            except ValueError as error:
                raise DecodeError(INVALID_FIELD, str(error)) from error
        self._metrics.add("items_changed" if changed else "items_outdated")
        return ((key, payload if self._catalogue.row_of(key) >= 0 else None),) if changed else ()

    def _learn(self, key: str, payload: bytes | None, origin: str, wall_ms: int) -> Sequence[Change]:
        facts = self._facts.decode(key, payload, parse_origin(origin).timestamp_ms, wall_ms + self._max_future_ms)
        if not self._knowledge.put(facts):
            self._metrics.add("knowledge_outdated")
            return ()
        self._metrics.add("knowledge_taken")
        return ((STORED + key, None if payload is None or is_gone(facts) else payload),)

    def _restore_knowledge(self, key: str, payload: bytes, wall_ms: int) -> None:
        about = key.removeprefix(STORED)
        if tells_facts(about):
            self._knowledge.put(self._facts.decode(about, payload, 0, _ANY_TIME_MS))
        else:
            self._policies.restore(key, payload, wall_ms)
