"""The built-in world: users and items that behave like some, react to pushes, and are known through and through."""

from kairos.world.settings import WorldSettings
from kairos.world.values import Delivery, Feedback, Interaction, ItemChange, Push, WorldEvent
from kairos.world.world import World

__all__ = ["Delivery", "Feedback", "Interaction", "ItemChange", "Push", "World", "WorldEvent", "WorldSettings"]
