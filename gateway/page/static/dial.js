// The clock of the person, and the dial that puts it ahead.
import { h } from "./dom.js";
import { clock, day, duration } from "./format.js";

const MINUTE = 60_000;
const STEPS = [["+1 min", MINUTE], ["+10 min", 10 * MINUTE], ["+1 h", 60 * MINUTE], ["+1 day", 1440 * MINUTE]];
const MARGIN_MS = 50;
const FAR_MS = 720 * MINUTE; // from here on the day is told, too

export class Dial {
  constructor({ session, changed }) {
    Object.assign(this, { session, changed, wakeUp: null });
    this.time = h("span", { class: "clock number" });
    this.ahead = h("span", { class: "muted small" });
    this.next = h("p", { class: "small", data: { dial: "next" } });
    this.problem = h("p", { class: "small", role: "alert" });
    this.toWakeUp = this.button("To the next wake-up", () => this.wakeUp.atMs - this.session().now() + MARGIN_MS, "wake-up");
    this.element = h("section", { class: "card dial", "aria-labelledby": "dial-title" },
      h("h2", { id: "dial-title" }, "The clock"), h("p", {}, this.time, " ", this.ahead), this.next,
      h("div", { class: "does", role: "group", "aria-label": "Put the clock ahead" }, ...STEPS.map(([name, ms]) => this.button(name, () => ms, name)), this.toWakeUp),
      this.problem,
      h("p", { class: "muted small" }, "Sends Kairos a signal dated ahead: what waits until then is decided first, as of the moment it waited for. What is done afterwards is dated by this clock. It does not go back."));
    setInterval(() => this.tick(), 500);
  }

  button(name, byMs, key) {
    const press = (event) => event.currentTarget.getAttribute("aria-disabled") !== "true" && this.advance(byMs());
    return h("button", { type: "button", data: { dial: key }, onclick: press }, name);
  }

  async advance(byMs) {
    this.problem.textContent = "";
    try { await this.session().advance(Math.max(1, byMs)); } catch (error) { this.problem.textContent = `The clock stays: ${error.message}.`; }
    this.tick();
    this.changed();
  }

  tick() {
    const session = this.session();
    if (!session) return;
    this.time.textContent = clock(session.now(), session.person.timeZone);
    this.ahead.textContent = `${session.person.timeZone.replace("_", " ")}${session.aheadMs ? `, ${duration(session.aheadMs)} ahead` : ""}`;
    const waits = this.wakeUp && this.wakeUp.atMs > session.now();
    this.toWakeUp.setAttribute("aria-disabled", `${!waits}`); // it would lose the focus if it was disabled
    const words = waits ? this.waiting(session) : "No wake-up is set: it is decided with the next thing you do.";
    if (this.next.textContent !== words) this.next.textContent = words;
  }

  waiting(session) {
    const { atMs, why } = this.wakeUp;
    const inMs = atMs - session.now();
    return `Next wake-up at ${(inMs < FAR_MS ? clock : day)(atMs, session.person.timeZone)}, in ${duration(inMs)}: ${why}.`;
  }
}
