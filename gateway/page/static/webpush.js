// Web Push for one of the people: pushes that arrive when the page is closed, in a browser that allows it.
import { h } from "./dom.js";

const OFFER = "Also when this page is closed";

export class WebPush {
  // `session()`: for whom. `gateway`: delivery's address.
  constructor({ session, gateway }) {
    Object.assign(this, { session, gateway });
    this.says = h("p", { class: "muted small", role: "status" });
    this.button = h("button", { type: "button", data: { action: "web-push" }, onclick: () => this.begin() }, OFFER);
    this.element = h("section", { class: "card", "aria-label": "Web Push" }, this.button, this.says);
  }

  async begin() {
    this.button.disabled = true;
    try {
      await this.subscribe();
      this.says.textContent = `This browser gets the pushes of ${this.session().person.name}, a minute after the page was closed at the latest.`;
    } catch (error) {
      this.says.textContent = `Not here: ${error.message}.`;
    }
    this.button.disabled = false;
  }

  async subscribe() {
    if (!("PushManager" in window) || !navigator.serviceWorker) throw new Error("this browser has no Web Push, or the page's address is not a secure one");
    if (await Notification.requestPermission() !== "granted") throw new Error("this browser does not allow notifications");
    const answer = await fetch(`${this.gateway}/v1/web-push/key`);
    if (!answer.ok) throw new Error("the gateway has no key for it");
    const { public_key: applicationServerKey } = await answer.json();
    await navigator.serviceWorker.register("/sw.js");
    const { pushManager } = await navigator.serviceWorker.ready;
    const former = await pushManager.getSubscription();
    if (former && key(former) !== applicationServerKey) await former.unsubscribe(); // of another demo, whose key is gone
    const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    const { person, device } = this.session();
    const body = { channel: "web_push", subscription: subscription.toJSON(), locale: person.locale, time_zone: person.timeZone };
    const headers = { Authorization: `Bearer ${await this.session().bring(false)}`, "Content-Type": "application/json" };
    const put = await fetch(`${this.gateway}/v1/devices/${device}-web`, { method: "PUT", headers, body: JSON.stringify(body) });
    if (!put.ok) throw new Error((await put.json().catch(() => ({}))).error ?? `the gateway answers ${put.status}`);
  }
}

function key(subscription) {
  const bytes = new Uint8Array(subscription.options.applicationServerKey ?? []);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
