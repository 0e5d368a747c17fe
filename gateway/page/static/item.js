// One item, in a dialog. Opening it is a view.
import { IN_DIALOG, kindOf, priceOf } from "./corners.js";
import { byId, h } from "./dom.js";
import { picture } from "./picture.js";
import { actions, priceLine } from "./shelf.js";

export function openItem(item, session, commandId = "") {
  const dialog = byId("item");
  const more = commandId ? { commandId } : {};
  const price = priceOf(item);
  const pushes = byId("notifications");
  document.body.append(pushes);
  dialog.replaceChildren(
    picture(item),
    h("button", { type: "button", class: "item-close", "aria-label": "Close", onclick: () => dialog.close() }, "Close"),
    h("div", { class: "item-body" },
      h("p", { class: "muted small" }, h("span", { class: "kind" }, kindOf(item)), item.creator ? `, by ${item.creator}` : ""),
      h("h2", { id: "item-title" }, item.title),
      h("p", {}, item.summary || ""),
      price && h("p", {}, priceLine(price)),
      actions(IN_DIALOG[item.scenario] ?? [], item, session, more)),
  );
  session().did("VIEW", item, more);
  if (!dialog.open) dialog.showModal();
  dialog.append(pushes); // what is not in an open dialog can be neither seen well nor used
}

export function watchItem() {
  const dialog = byId("item");
  dialog.addEventListener("close", () => document.body.append(byId("notifications")));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
