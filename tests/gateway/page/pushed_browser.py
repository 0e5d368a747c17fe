"""A browser's push service for Chromium, which reaches none of its own here.

What a page subscribes to is the tests' own server, and what that decrypts comes to the real worker. All else is the browser's: the permission,
the worker and its registration, the notifications. Nobody can click on one in a headless browser, nor close it: the worker is given the event,
and what it does then is waited for.
"""

import json
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import BrowserContext, Page, Worker

from tests.gateway.delivery.processes import eventually
from tests.gateway.delivery.services import BrowserService, base64url

_SUBSCRIBING = """
(() => {
  const kept = "tests.web-push-key";
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const subscription = () => kept in localStorage ? {
    options: { applicationServerKey: bytes(localStorage[kept]).buffer },
    toJSON: () => (SUBSCRIPTION),
    unsubscribe: async () => delete localStorage[kept],
  } : null;
  PushManager.prototype.getSubscription = async () => subscription();
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => { localStorage[kept] = applicationServerKey; return subscription(); };
})();
"""
_SHOWN = """async () => (await registration.getNotifications()).map(({ title, body, tag, icon }) => ({ title, body, tag, icon }))"""
_HAPPENS = """async (kind) => {
  const [notification] = await registration.getNotifications();
  const event = new NotificationEvent(kind, { notification });
  const pending = [];
  event.waitUntil = (promise) => pending.push(promise); // the browser's own is for its own events
  let went = "";
  clients.openWindow = async (url) => { went = url; };
  WindowClient.prototype.focus = async function () { went = this.url; };
  dispatchEvent(event);
  await Promise.all(pending);
  return went;
}"""


def subscribing(service: BrowserService, path: str) -> str:
    """What a page runs first: whoever subscribes gets this service's subscription at `path`."""
    target = service.subscription(path)
    keys = {"p256dh": target.p256dh, "auth": target.auth}
    return _SUBSCRIBING.replace("SUBSCRIPTION", json.dumps({"endpoint": target.endpoint, "keys": keys}))


def subscribed_with(page: Page) -> str | None:
    """The key that the page's subscription is for; None: it has none."""
    return cast("str | None", page.evaluate("localStorage['tests.web-push-key'] ?? null"))


def public(key: ec.EllipticCurvePrivateKey) -> str:
    """As pages get it."""
    return base64url(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


class Notifications:
    """What the worker of a context shows. `page`: any that stays open."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._context = context
        self._page = page
        self._registrations: dict[str, str] = {}
        self._protocol = context.new_cdp_session(page)
        self._protocol.on("ServiceWorker.workerRegistrationUpdated", self._note)
        self._protocol.send("ServiceWorker.enable")
        eventually(lambda: self._heard() and self._registrations, "the worker is registered")

    def deliver(self, pushed: dict[str, Any]) -> None:
        """As the browser does with what it has decrypted."""
        ((scope, registration_id),) = self._registrations.items()
        message = {"origin": scope.rstrip("/"), "registrationId": registration_id, "data": json.dumps(pushed)}
        self._protocol.send("ServiceWorker.deliverPushMessage", message)

    def shown(self) -> list[dict[str, str]]:
        """Those on the screen; without a worker there are none."""
        return [each for worker in self._workers() for each in cast("list[dict[str, str]]", worker.evaluate(_SHOWN))]

    def click(self) -> str:
        """On the first; returns the address that the browser is at then."""
        return cast("str", self._worker().evaluate(_HAPPENS, "notificationclick"))

    def close(self) -> None:
        """The first."""
        self._worker().evaluate(_HAPPENS, "notificationclose")

    def _worker(self) -> Worker:
        (worker,) = eventually(self._workers, "the worker runs")
        return cast("Worker", worker)

    def _workers(self) -> list[Worker]:
        """The newest, once the browser has started one."""
        self._heard()
        return self._context.service_workers[-1:]

    def _heard(self) -> bool:
        """Playwright hears of what the browser does only while it waits for an answer."""
        return cast("bool", self._page.evaluate("true"))

    def _note(self, event: dict[str, Any]) -> None:
        for each in event["registrations"]:
            if not each["isDeleted"]:
                self._registrations[each["scopeURL"]] = each["registrationId"]
