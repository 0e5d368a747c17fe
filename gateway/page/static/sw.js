// The service worker: shows what comes by Web Push, opens the page on what it was about, and tells Kairos what became of it.
// Whose pushes they are its address says: ?person=…&device=…&collector=…
"use strict";
importScripts("/kairos.js");

const STAYS_MS = [500, 1000, 2000, 4000];
const mine = Object.fromEntries(new URLSearchParams(location.search));

addEventListener("install", () => skipWaiting()); // when it is somebody else's browser now, at once
addEventListener("push", (event) => event.waitUntil(show(event.data.json())));
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(Promise.all([open(event.notification.data), told("OPENED", event.notification.data)]));
});
addEventListener("notificationclose", (event) => event.waitUntil(told("DISMISSED", event.notification.data)));

async function show(push) {
  const reason = push.reason && `${push.reason[0].toUpperCase()}${push.reason.slice(1)}.`;
  await registration.showNotification(push.title, {
    body: [push.body, reason].filter(Boolean).join("\n"),
    tag: push.collapse_key || push.command_id, // what takes another's place at the push service does so on the screen, too
    icon: "/static/icon-192.png",
    lang: push.locale ?? "",
    silent: Boolean(push.silent),
    data: push,
  });
  await told("DISPLAYED", push);
}

// In the page that is open, or else in a new one.
async function open({ command_id: command, item_ids: [item = ""] = [] }) {
  const about = { command, item, person: mine.person };
  const [page] = await clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!page) return clients.openWindow(`/?${new URLSearchParams(about)}`);
  page.postMessage(about);
  return page.focus();
}

// Dated by this person's clock. The browser may end the worker once this is over, so it goes on for a while if the collector did not take it at once:
// kairos.js says it again when it may. What is not told by then is not told.
async function told(outcome, push) {
  const answer = await fetch(`/api/people/${mine.person}/session`, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  const { token, aheadMs } = await answer.json();
  const kairos = new Kairos({ url: mine.collector, token, onRejected: (one) => console.warn("not taken", one) });
  kairos.consent(true); // who asked for Web Push has agreed
  kairos.feedback(outcome, { commandId: push.command_id, itemId: push.item_ids?.[0], deviceId: mine.device, channel: "CHANNEL_WEB_PUSH", occurredAtMs: Date.now() + aheadMs });
  await kairos.flush();
  for (const waitMs of STAYS_MS) {
    if (!kairos.queue.length) return;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  if (kairos.queue.length) console.warn("not told", outcome);
}
