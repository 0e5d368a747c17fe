"""The world's values as records of the contract, and push commands as the world's values. The only module that knows protobuf.

*Contract*: keys are user and item ids; ``read_push`` raises protobuf's ``DecodeError`` for bytes that are no push command.
"""

from kairos.feed.features import ItemFeaturiser, to_bytes
from kairos.v1 import feedback_pb2, interaction_pb2, item_pb2
from kairos.v1.interaction_pb2 import Context
from kairos.v1.push_pb2 import PushCommand
from kairos.v1.signal_pb2 import Signal
from kairos.world.values import (
    CHANNEL_OF,
    CURRENCY,
    Feedback,
    Interaction,
    ItemChange,
    Platform,
    Profile,
    Push,
    Scenario,
    WorldEvent,
)

Record = tuple[str, bytes, bytes]
"""Topic without prefix, key, value."""

_APP_VERSION = "1.0"
_LINK = {Scenario.SHOP: "products", Scenario.NEWS: "articles", Scenario.SOCIAL: "posts"}
# protobuf's types want its own enumerations where plain numbers do as well
_OUTCOMES = {number: feedback_pb2.Outcome.Name(number) for number in feedback_pb2.Outcome.values()}
_PLATFORMS = {platform: interaction_pb2.Platform.Name(int(platform)) for platform in Platform}
_CHANNELS = {platform: feedback_pb2.Channel.Name(int(channel)) for platform, channel in CHANNEL_OF.items()}


class WorldCodec:
    """Keeps each user's context and each item's features, which seldom change."""

    def __init__(self, featuriser: ItemFeaturiser) -> None:
        self._featuriser = featuriser
        self._contexts: dict[str, Context] = {}
        self._features: dict[str, tuple[float | None, bytes]] = {}

    def record(self, event: WorldEvent) -> Record:
        """What to write, and where."""
        if isinstance(event, Interaction):
            return "interactions", event.profile.user_id.encode(), self._interaction(event)
        if isinstance(event, Feedback):
            return "feedback", event.profile.user_id.encode(), _feedback(event)
        return "items", event.item_id.encode(), self.item(event).SerializeToString()

    def item(self, change: ItemChange) -> item_pb2.Item:
        """An item as the catalogue has it; of a deleted one no more than that it is gone."""
        if change.deleted:
            self._features.pop(change.item_id, None)
            return item_pb2.Item(item_id=change.item_id, updated_at_ms=change.updated_at_ms, deleted=True)
        item = item_pb2.Item(
            item_id=change.item_id,
            updated_at_ms=change.updated_at_ms,
            features=self._features_of(change),
            categories=change.categories,
            tags=change.tags,
            price=change.price,
            list_price=change.list_price,
            currency=CURRENCY if change.price is not None else "",
            stock=change.stock,
            valid_from_ms=change.valid_from_ms,
            valid_until_ms=change.valid_until_ms,
            published_at_ms=change.published_at_ms,
            creator_id=change.creator_id,
            consumable=change.consumable,
            replenish_after_ms=change.replenish_after_ms,
            deep_link=f"https://{change.scenario.name.lower()}.example/{_LINK[change.scenario]}/{change.item_id}",
        )
        item.scenario = int(change.scenario)  # type: ignore[assignment]
        item.urgency = int(change.urgency)  # type: ignore[assignment]
        item.texts[""].title, item.texts[""].summary = change.title, change.summary
        return item

    def _interaction(self, event: Interaction) -> bytes:
        signal = Signal()
        interaction = signal.interaction
        interaction.event_id = event.event_id
        interaction.user_id = event.profile.user_id
        interaction.type = event.type  # type: ignore[assignment]
        interaction.occurred_at_ms = event.occurred_at_ms
        interaction.context.CopyFrom(self._context(event.profile))
        interaction.context.session_id = event.session_id
        if event.item_id:
            interaction.item_id = event.item_id
        if event.quantity:
            interaction.quantity = event.quantity
        if event.value:
            interaction.value, interaction.currency = event.value, CURRENCY
        if event.query:
            interaction.query = event.query
        if event.creator_id:
            interaction.creator_id = event.creator_id
        if event.dwell_ms:
            interaction.dwell_ms, interaction.completion = event.dwell_ms, event.completion
        if event.order_id:
            interaction.order_id = event.order_id
        if event.command_id:
            interaction.command_id, interaction.context.referrer = event.command_id, "push"
        return signal.SerializeToString()

    def _context(self, profile: Profile) -> Context:
        known = self._contexts.get(profile.user_id)
        if known is None:
            known = Context(
                device_id=profile.device_id,
                platform=_PLATFORMS[profile.platform],
                app_version=_APP_VERSION,
                locale=profile.locale,
                time_zone=profile.time_zone,
                country=profile.country,
            )
            self._contexts[profile.user_id] = known
        return known

    def _features_of(self, change: ItemChange) -> bytes:
        known = self._features.get(change.item_id)
        if known is None or known[0] != change.price:
            features = self._featuriser.features(categories=change.categories, text=change.title, tags=change.tags, price=change.price)
            known = self._features[change.item_id] = change.price, to_bytes(features)
        return known[1]


def read_push(value: bytes) -> Push:
    """A push command, as far as the world cares."""
    command = PushCommand.FromString(value)
    return Push(
        command_id=command.command_id,
        user_id=command.user_id,
        item_ids=tuple(command.item_ids),
        not_before_ms=command.not_before_ms,
        expires_at_ms=command.expires_at_ms,
        dry_run=command.dry_run,
        silent=command.silent,
    )


def _feedback(event: Feedback) -> bytes:
    feedback = feedback_pb2.Feedback(
        feedback_id=event.feedback_id,
        user_id=event.profile.user_id,
        command_id=event.command_id,
        outcome=_OUTCOMES[event.outcome],
        occurred_at_ms=event.occurred_at_ms,
        device_at_ms=event.occurred_at_ms,
        item_id=event.item_id,
        value=event.value,
        currency=CURRENCY if event.value else "",
        channel=_CHANNELS[event.profile.platform],
        platform=_PLATFORMS[event.profile.platform],
        device_id=event.profile.device_id,
        reason=event.reason,
        attempt=1,
    )
    return Signal(feedback=feedback).SerializeToString()
