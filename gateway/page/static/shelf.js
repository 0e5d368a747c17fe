// The shelf of a corner: categories, and cards that one can look at or do something with.
import { ask } from "./api.js";
import { CORNERS, ON_CARD, kindOf, priceOf } from "./corners.js";
import { byId, h, put } from "./dom.js";
import { picture } from "./picture.js";

export class Shelf {
  // `session()`: of whom it is now. `look(item)`: opens an item.
  constructor({ session, look }) {
    Object.assign(this, { session, look, category: "", scenario: "" });
  }

  async show(scenario, category = "") {
    Object.assign(this, { scenario, category });
    const corner = CORNERS[scenario];
    byId("corner").textContent = corner.title;
    byId("tagline").textContent = corner.tagline;
    const query = new URLSearchParams({ scenario, category, user: this.session()?.person.id ?? "" });
    const { items, categories } = await ask(`/api/items?${query}`);
    if (this.scenario !== scenario || this.category !== category) return;
    const shelf = byId("shelf");
    shelf.dataset.scenario = scenario;
    put(byId("categories"), ...["", ...categories].map((name) => this.chip(name)));
    shelf.replaceChildren(...(items.length ? items.map((item) => this.card(item)) : [this.empty()]));
  }

  empty() {
    setTimeout(() => byId("shelf").querySelector(".empty") && this.show(this.scenario, this.category).catch(() => {}), 1500);
    return h("li", { class: "empty" }, "The shelves are being filled …");
  }

  chip(name) {
    const pressed = name === this.category;
    return h("button", { type: "button", "aria-pressed": `${pressed}`, data: { key: name || "all" }, onclick: () => this.show(this.scenario, name) }, name || "All");
  }

  card(item) {
    const price = priceOf(item);
    const words = h("span", { class: "words" }, h("span", { class: "kind" }, kindOf(item)), h("span", { class: "title" }, item.title), price && priceLine(price));
    const look = h("button", { type: "button", class: "look", "aria-label": `${CORNERS[item.scenario].look} ${item.title}`, onclick: () => this.look(item) }, picture(item), words);
    return h("li", { class: "product", data: { item: item.id } }, look, actions(ON_CARD[item.scenario], item, this.session));
  }
}

export function priceLine(price) {
  return h("span", { class: "price number" }, price.now, price.before && h("s", {}, price.before), price.less && h("span", { class: "less" }, price.less));
}

// Buttons that send what one does, and say that it was done. `more`: further fields of what is sent.
export function actions(list, item, session, more = {}) {
  const buttons = list.map((action) =>
    h("button", {
      type: "button",
      data: { action: action.key },
      "aria-label": `${action.name}: ${item.title}`,
      onclick: (event) => {
        session().did(action.type, item, { ...more, ...(action.fields?.(item) ?? {}) });
        event.currentTarget.textContent = action.done;
        event.currentTarget.setAttribute("aria-label", `${action.done}: ${item.title}`);
      },
    }, action.name));
  return h("div", { class: "does" }, ...buttons);
}
