"""Over which channels a user may be reached: what they agreed to and what they muted, the newest word on each channel.

A user of whom nothing was told may be reached over every channel; the gateway knows which of them lead to a device.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection

from flink_job.core.signals import Channel
from flink_job.core.state import UserState

EVERY_CHANNEL = tuple(int(channel) for channel in Channel)
_ALL_OFF = sum(1 << channel for channel in EVERY_CHANNEL)
_NEVER = array("q", bytes(8 * len(EVERY_CHANNEL))).tobytes()


def allow(state: UserState, channels: Collection[int], at_ms: int) -> None:
    """Of all channels there are, the user agrees to these alone, as of `at_ms`. Changes `state`."""
    for channel in EVERY_CHANNEL:
        set_channel(state, channel, at_ms, allowed=channel in channels)


def set_channel(state: UserState, channel: int, at_ms: int, *, allowed: bool) -> None:
    """The user agrees to one channel, or muted it; an older word never undoes a newer one. Changes `state`."""
    times = array(
        "q", state.channel_at_ms + _NEVER[len(state.channel_at_ms) :]
    )  # a state from before there was a channel has a shorter column
    if at_ms < times[channel - 1]:
        return
    times[channel - 1] = at_ms
    state.channel_at_ms = times.tobytes()
    state.channels_off = state.channels_off & ~(1 << channel) if allowed else state.channels_off | 1 << channel


def allowed_channels(state: UserState) -> tuple[int, ...]:
    """The channels that pushes may go over, by number; empty if nothing speaks against any."""
    return tuple(channel for channel in EVERY_CHANNEL if not state.channels_off >> channel & 1) if state.channels_off else ()


def is_any_allowed(state: UserState) -> bool:
    """There is a channel left."""
    return state.channels_off != _ALL_OFF
