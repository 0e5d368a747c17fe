"""``PUT`` and ``DELETE /v1/devices/{device_id}``: a browser or an app says how it can be reached."""

import time
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.common.allowances import Allowances
from gateway.common.tokens import TokenError
from gateway.delivery.http import json_object, problem, too_often
from gateway.delivery.metrics import DEVICES
from gateway.delivery.settings import DeliverySection
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.stream.users import Caller, Users, device_of
from kairos.v1 import feedback_pb2, interaction_pb2
from kairos.v1.push_pb2 import Target

_CHANNELS = {"web_push": feedback_pb2.CHANNEL_WEB_PUSH, "fcm": feedback_pb2.CHANNEL_FCM, "apns": feedback_pb2.CHANNEL_APNS}
_PLATFORMS = {name.removeprefix("PLATFORM_").lower(): number for name, number in interaction_pb2.Platform.items()}


class Keys(BaseModel):
    """Of a browser's subscription."""

    model_config = ConfigDict(extra="ignore", strict=True)
    p256dh: Annotated[str, Field(max_length=200)]
    auth: Annotated[str, Field(max_length=100)]


class Subscription(BaseModel):
    """What ``PushSubscription.toJSON()`` gives."""

    model_config = ConfigDict(extra="ignore", strict=True)
    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2048)]
    keys: Keys


class DeviceBody(BaseModel):
    """How a device can be reached: with a subscription (web_push), or a token (fcm, apns)."""

    model_config = ConfigDict(extra="forbid", strict=True)
    channel: Literal["web_push", "fcm", "apns"]
    subscription: Subscription | None = None
    token: Annotated[str, Field(max_length=4096)] = ""
    app_id: Annotated[str, Field(max_length=256)] = ""
    platform: Annotated[str, Field(max_length=32)] = ""
    locale: Annotated[str, Field(max_length=35)] = ""
    time_zone: Annotated[str, Field(max_length=64)] = ""

    def target(self, device_id: str) -> Target:
        """As an address. Raises ValueError for one that lacks what its channel needs."""
        target = Target(
            channel=_CHANNELS[self.channel],
            app_id=self.app_id,
            token=self.token,
            platform=_PLATFORMS.get(self.platform, 0),  # type: ignore[arg-type]  # a number of the enum
            device_id=device_id,
            locale=self.locale,
            time_zone=self.time_zone,
        )
        if self.channel == "web_push":
            if self.subscription is None:
                raise ValueError("subscription: is missing")
            target.endpoint = self.subscription.endpoint
            target.p256dh = self.subscription.keys.p256dh
            target.auth = self.subscription.keys.auth
        elif not self.token:
            raise ValueError("token: is missing")
        return target


class DeviceEndpoints:
    """Both. A user changes their own devices only."""

    def __init__(
        self,
        settings: DeliverySection,
        users: Users,
        allowances: Allowances,
        store: AsyncStore,
        acceptable: Callable[[Target], bool],
        clock_ms: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._users = users
        self._allowances = allowances
        self._store = store
        self._acceptable = acceptable
        self._clock_ms = clock_ms

    async def put(self, request: Request) -> Response:
        """Note the device. Idempotent."""
        try:
            caller = self._users.caller(request.headers, {}, self._clock_ms() / 1000)
            device_id = device_of(request.path_params, default="")
            body = DeviceBody.model_validate(json_object(await request.body()))
            target = body.target(device_id)
        except TokenError as error:
            return problem(401, str(error))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            return problem(400, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
        except ValueError as error:
            return problem(400, str(error))
        if not self._may_speak(caller):
            return too_often()
        if not self._acceptable(target):
            return problem(400, "no push could be sent to this address from here")
        now_ms = self._clock_ms()
        most = self._settings.registry.max_per_user
        user_id, *also = caller.user_ids
        await self._store.run(lambda store: store.put_devices(user_id, [target], now_ms, all_of_them=False, most=most, also=also))
        DEVICES.labels("put").inc()
        return JSONResponse({"device_id": device_id})

    async def delete(self, request: Request) -> Response:
        """Forget the device. Idempotent."""
        try:
            caller = self._users.caller(request.headers, {}, self._clock_ms() / 1000)
            device_id = device_of(request.path_params, default="")
        except TokenError as error:
            return problem(401, str(error))
        except ValueError as error:
            return problem(400, str(error))
        if not self._may_speak(caller):
            return too_often()
        for user_id in caller.user_ids:
            await self._store.run(lambda store, user_id=user_id: store.forget_device(user_id, device_id))  # type: ignore[misc]
        DEVICES.labels("deleted").inc()
        return Response(status_code=204)

    def _may_speak(self, caller: Caller) -> bool:
        now_s = time.monotonic()
        return self._allowances.of(caller.user_ids[0], now_s).spend(now_s)
