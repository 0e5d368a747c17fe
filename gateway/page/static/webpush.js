// Pushes that come when the page is closed, as the browser's own notifications: whether they are wanted, of whom, and how to see one with the page open.
import { h } from "./dom.js";
import { holder, subscribe, unsubscribe } from "./subscription.js";

export class WebPush {
  // `session()`: of whom it is now. `where`: collector, gateway and people.
  constructor({ session, where }) {
    Object.assign(this, { session, where, holder: null });
    this.says = h("p", { class: "small", role: "status" });
    this.does = h("div", { class: "does" });
    this.element = h("section", { class: "card web-push", "aria-labelledby": "web-push-title" },
      h("h2", { id: "web-push-title" }, "When this page is closed"), this.says, this.does);
  }

  // One is somebody else now, or has just come.
  become() {
    this.find("");
  }

  // Does something, and says how things stand then, or why not.
  async act(something) {
    this.says.textContent = "Asking this browser …";
    this.find(await something().then(() => "", (error) => `Not here: ${error.message}.`));
  }

  async find(problem) {
    this.holder = (await holder(this.where.gateway).catch(() => null))?.person ?? null;
    this.draw(problem);
  }

  draw(problem) {
    const { person, away } = this.session();
    const own = this.holder === person.id;
    const focused = this.does.contains(document.activeElement);
    this.says.textContent = problem || this.standing(person, away);
    this.does.replaceChildren(...[
      !own && button("web-push", `Show what is pushed to ${person.name}`, () => this.act(() => subscribe(this.where, person))),
      (own || away) && button("away", away ? "Come back" : "Step away", () => { this.session().step(!away); this.draw(""); }),
      this.holder && button("no-web-push", "Stop", () => this.act(() => unsubscribe(this.where.gateway))),
    ].filter(Boolean));
    if (focused) this.does.firstElementChild.focus();
  }

  standing(person, away) {
    if (away) {
      const instead = this.holder === person.id ? ", and pushes come as notifications of this browser" : "";
      return `${person.name} is away: for Kairos this page is closed${instead}.`;
    }
    if (this.holder === null) return "This browser can show pushes as notifications of its own.";
    if (this.holder !== person.id) return `This browser shows what is pushed to ${this.where.people.find((each) => each.id === this.holder)?.name}.`;
    return `This browser shows what is pushed to ${person.name}. Close the page, or step away to see it at once.`;
  }
}

function button(action, name, act) {
  return h("button", { type: "button", data: { action }, onclick: act }, name);
}
