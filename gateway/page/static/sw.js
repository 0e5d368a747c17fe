// The service worker: shows what comes by Web Push, and opens the page on what it was about. The page tells Kairos that it was opened.

addEventListener("push", (event) => {
  const push = event.data.json();
  const body = [push.body, push.reason && `${push.reason[0].toUpperCase()}${push.reason.slice(1)}.`].filter(Boolean).join("\n");
  event.waitUntil(registration.showNotification(push.title, { body, tag: push.collapse_key || push.command_id, icon: "/static/icon.svg", data: push }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { command_id: command, item_ids: items = [] } = event.notification.data;
  event.waitUntil(clients.openWindow(`/?${new URLSearchParams({ opened: command, item: items[0] ?? "" })}`));
});
