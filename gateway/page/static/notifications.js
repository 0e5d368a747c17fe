// Pushes as they appear on the screen, and what one does with them: open, dismiss, buy, disable. F8 goes to the newest.
import { ask } from "./api.js";
import { BUY } from "./corners.js";
import { byId, h } from "./dom.js";
import { duration } from "./format.js";

const AT_ONCE = 3;
const FRESH_MS = 60_000;

export class Notifications {
  // `session()`: of whom they are. `open(item, commandId)`; `changed()`: something was told that may have consequences.
  constructor({ session, open, changed }) {
    Object.assign(this, { session, open, changed });
    this.shown = new Map();
    this.list = byId("notifications");
    this.before = null; // where the keyboard was before it came here
    this.list.addEventListener("focusin", ({ relatedTarget }) => { if (!this.list.contains(relatedTarget)) this.before = relatedTarget; });
    addEventListener("keydown", (event) => { if (event.key === "F8") this.list.querySelector("button")?.focus(); });
  }

  clear() {
    this.shown.clear();
    this.list.replaceChildren();
  }

  async push(push) {
    if (this.shown.has(push.command_id) || push.silent) return;
    const session = this.session();
    this.shown.set(push.command_id, push);
    const card = this.card(push, session.now() - push.caused_at_ms);
    this.list.prepend(card);
    while (this.list.children.length > AT_ONCE) this.leave(this.list.lastElementChild);
    session.became("DISPLAYED", push);
    this.changed();
  }

  takeBack(commandId) {
    const card = this.list.querySelector(`[data-command="${CSS.escape(commandId)}"]`);
    if (card) this.leave(card);
  }

  // A card goes, and the keyboard to the next one, or back to where it was.
  leave(card) {
    const focused = card.contains(document.activeElement);
    card.remove();
    if (!focused) return;
    const back = this.before?.isConnected ? this.before : byId("main");
    (this.list.querySelector("button") ?? back).focus({ preventScroll: true });
  }

  card(push, afterMs) {
    const after = afterMs >= 0 && afterMs < FRESH_MS ? `${afterMs < 1000 ? `${Math.round(afterMs)} ms` : duration(afterMs)} after its occasion` : "";
    const itemId = push.item_ids?.[0] ?? "";
    const does = [
      this.does("open", "Open", push, async () => {
        this.session().became("OPENED", push);
        this.open(await itemOf(itemId, push), push.command_id);
      }, "primary"),
      this.does("dismiss", "Dismiss", push, () => this.session().became("DISMISSED", push)),
      itemId.startsWith("shop-") && this.does("buy", "Buy", push, async () => {
        const item = await itemOf(itemId, push);
        this.session().became("OPENED", push);
        this.session().became("CONVERTED", push, { value: item.price ?? 0, currency: item.currency || "EUR" });
        this.session().did(BUY.type, item, { ...BUY.fields(item), commandId: push.command_id });
      }),
      this.does("off", "Turn off pushes", push, () => this.session().became("UNSUBSCRIBED", push), "quiet off"),
    ];
    return h("article", { class: "push", "aria-label": `Push: ${push.title}`, data: { command: push.command_id } },
      h("header", {}, h("span", {}, "Kairos"), h("span", { class: "number" }, after)),
      h("h2", {}, push.title),
      push.body && h("p", {}, push.body),
      push.reason && h("p", { class: "reason" }, sentence(push.reason)),
      h("div", { class: "does" }, ...does));
  }

  does(key, name, push, act, style = "") {
    return h("button", { type: "button", class: style, data: { action: key }, "aria-label": `${name}: ${push.title}`, onclick: async (event) => {
      this.leave(event.currentTarget.closest(".push"));
      await act();
      this.changed();
    } }, name);
  }
}

async function itemOf(itemId, push) {
  return ask(`/api/items/${encodeURIComponent(itemId)}`).catch(() => ({ id: itemId, title: push.title, scenario: itemId.split("-")[0], categories: [] }));
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}
