// This browser's subscription to Web Push: at its push service, as a person's device at the gateway, and in the address of the worker that shows what comes.
import { tell } from "./api.js";

const WORKER = "/sw.js";
const PATIENCE_MS = 10_000; // a browser that cannot reach its push service may try for minutes
const WHY = { AbortError: "this browser cannot reach its push service", NotAllowedError: "this browser does not allow notifications" };
const REFUSED = {
  denied: "this browser does not allow notifications; its settings for this page can change that",
  default: "this browser was not told that notifications are wanted; it asks again",
};

// Whose pushes it gets, as { person, device }; null: nobody's.
export async function holder(gateway) {
  const registration = await navigator.serviceWorker?.getRegistration(WORKER);
  const subscription = await registration?.pushManager?.getSubscription();
  if (!subscription) return null;
  if (keyOf(subscription) === await keyAt(gateway)) return saidBy(registration);
  await subscription.unsubscribe(); // of another demo, whose key is gone
  return null;
}

// From now on it gets the pushes of `person`, and nobody else's. Throws an Error that tells people why not.
export async function subscribe({ gateway, collector }, person) {
  if (!window.isSecureContext) throw new Error("browsers have Web Push over HTTPS and at 127.0.0.1 alone");
  if (!window.PushManager || !window.Notification) throw new Error("this browser has no Web Push");
  const allowed = await Notification.requestPermission(); // first of all: it must follow on a click
  if (allowed !== "granted") throw new Error(REFUSED[allowed]);
  const former = await holder(gateway);
  if (former && former.person !== person.id) await device(gateway, former, "DELETE");
  try {
    const applicationServerKey = await keyAt(gateway);
    const mine = { person: person.id, device: former?.device ?? `web-${kairosId().slice(0, 8)}` };
    await navigator.serviceWorker.register(`${WORKER}?${new URLSearchParams({ ...mine, collector })}`);
    const { pushManager } = await navigator.serviceWorker.ready;
    const subscription = await inTime(pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }));
    const body = { channel: "web_push", subscription: subscription.toJSON(), locale: person.locale, time_zone: person.timeZone };
    await device(gateway, mine, "PUT", body);
  } catch (error) {
    await giveUp(); // what is half handed over would be said to be somebody's
    throw error;
  }
}

export async function unsubscribe(gateway) {
  const mine = await holder(gateway);
  if (!mine) return;
  await device(gateway, mine, "DELETE");
  await giveUp();
}

async function giveUp() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

function inTime(asked) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      asked.then((subscription) => subscription.unsubscribe(), () => {}); // nobody waits for it any more
      reject(new Error("this browser's push service does not answer"));
    }, PATIENCE_MS);
    asked.then(resolve, (error) => reject(new Error(WHY[error.name] ?? error.message))).finally(() => clearTimeout(late));
  });
}

async function device(gateway, { person, device: id }, method, body) {
  const { token } = await tell(`/api/people/${person}/session`);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${gateway}/v1/devices/${id}`, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `the gateway answers ${answer.status}`);
}

async function keyAt(gateway) {
  const answer = await fetch(`${gateway}/v1/web-push/key`);
  if (!answer.ok) throw new Error("the gateway has no key for Web Push");
  return (await answer.json()).public_key;
}

function keyOf(subscription) {
  const bytes = new Uint8Array(subscription.options.applicationServerKey ?? []);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// The newest worker's word: one that was there before may still run.
function saidBy({ installing, waiting, active }) {
  return Object.fromEntries(new URL((installing ?? waiting ?? active).scriptURL).searchParams);
}
