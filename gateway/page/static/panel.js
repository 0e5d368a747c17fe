// What Kairos believes of the one who looks: asked again and again, drawn anew when there is something newer.
import { ask } from "./api.js";
import { candidates } from "./candidates.js";
import { curve } from "./curve.js";
import { Dial } from "./dial.js";
import { byId, h, put } from "./dom.js";
import { clock } from "./format.js";
import { gates } from "./gates.js";
import { interests } from "./interests.js";
import { timeline } from "./timeline.js";
import { week } from "./week.js";

const USUAL_MS = 1_000;
const SOON_MS = 200;
const SOON_FOR_MS = 4_000;

export class Panel {
  // `session()`: whom it is about.
  constructor({ session }) {
    this.session = session;
    this.version = "";
    this.soonUntil = 0;
    this.dial = new Dial({ session, changed: () => this.hurry() });
    this.parts = Object.fromEntries(["verdict", "week", "gates", "candidates", "curve", "interests", "why", "timeline"].map((name) => [name, h("section", { class: "card", data: { part: name } })]));
    this.parts.timeline.classList.add("history");
    this.about = h("select", { id: "about", onfocus: () => this.others(), onchange: () => this.begin() });
    byId("panel").replaceChildren(
      h("header", {}, h("h2", { id: "panel-title" }, "What Kairos believes"), h("label", { class: "muted small" }, "about ", this.about)),
      this.parts.verdict, this.dial.element, this.parts.week, this.parts.gates, this.parts.candidates, this.parts.curve, this.parts.interests, this.parts.why, this.parts.timeline);
    this.again();
  }

  // One is somebody else now.
  become() {
    const { id, name } = this.session().person;
    this.about.replaceChildren(h("option", { value: id }, name));
    this.begin();
  }

  // About another one: nothing is known of them until it is asked.
  begin() {
    this.version = "";
    this.dial.element.hidden = this.about.value !== this.session().person.id;
    this.draw({ decisions: [], interests: { rows: [] }, answers: [], timeZone: this.session().person.timeZone });
    this.hurry();
  }

  // Others, about whom something was decided lately, can be looked at, too.
  async others() {
    const { users } = await ask("/api/users").catch(() => ({ users: [] }));
    const known = new Set([...this.about.options].map((option) => option.value));
    this.about.append(...users.filter((user) => !known.has(user)).map((user) => h("option", { value: user }, user)));
  }

  // Something was done: what comes of it is looked for at once.
  hurry() {
    this.soonUntil = Date.now() + SOON_FOR_MS;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), SOON_MS);
  }

  again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), Date.now() < this.soonUntil ? SOON_MS : USUAL_MS);
  }

  async look() {
    const session = this.session();
    if (session && !document.hidden) {
      const user = this.about.value;
      try {
        const told = await ask(`/api/users/${encodeURIComponent(user)}/belief?after=${this.version}`);
        if (told && user === this.about.value) {
          this.version = told.version;
          this.draw(told);
        }
        this.drawWeek(); // time goes on
      } catch { /* the server is away: asked again below */ }
    }
    this.again();
  }

  draw(told) {
    const zone = told.timeZone;
    this.told = told;
    const asked = told.decisions.find((each) => each.gates.length);
    this.dial.wakeUp = told.wakeUp;
    put(this.parts.verdict, ...verdict(told.inForce, zone), told.inForce?.reason === "opted_out" && this.allow());
    this.drawWeek();
    this.show("gates", asked && gates(asked, zone));
    this.show("candidates", told.candidates && candidates(told.candidates, zone));
    this.show("curve", told.curve && curve(told.curve, zone));
    this.show("interests", told.interests.rows.length && interests(told.interests));
    this.show("why", told.answers.length && why(told.answers));
    this.show("timeline", told.decisions.length && timeline(told.decisions, zone));
  }

  drawWeek() {
    const { week: hours, timeZone, wakeUp } = this.told;
    const nowMs = this.about.value === this.session().person.id ? this.session().now() : Date.now();
    this.show("week", hours && week(hours, timeZone, nowMs, wakeUp));
  }

  allow() { // for oneself alone
    if (this.about.value !== this.session().person.id) return null;
    const act = () => { this.session().became("SUBSCRIBED"); this.hurry(); };
    return h("button", { type: "button", class: "primary", onclick: act }, "Allow pushes again");
  }

  show(name, children) {
    const part = this.parts[name];
    part.hidden = !children;
    if (!children) return;
    const details = children.find((each) => each.tagName === "DETAILS");
    if (details) details.open = part.querySelector("details")?.open ?? false;
    put(part, ...children);
  }
}

const HEADLINES = { sent: "Sent", deferred: "Not yet", suppressed: "No push" };
const MARKS = { sent: "✓", deferred: "…", suppressed: "✕" };

function verdict(decision, zone) {
  if (!decision) return [h("p", { class: "muted" }, "Nothing was decided yet. Look at something, and see.")];
  const words = decision.verdict === "sent" ? `${HEADLINES.sent}: ${decision.title || decision.item?.title}` : `${HEADLINES[decision.verdict]}: ${decision.why}`;
  const became = decision.outcomes.length ? ` It was ${[...new Set(decision.outcomes)].join(", ")}.` : "";
  const again = decision.verdict === "deferred" && decision.wakeAtMs ? ` Decided again at ${clock(decision.wakeAtMs, zone)}.` : "";
  return [h("div", { class: "verdict", data: { verdict: decision.verdict } },
    h("span", { class: "mark", "aria-hidden": "true" }, MARKS[decision.verdict]),
    h("div", {}, h("strong", {}, words), h("p", { class: "muted small" }, `${clock(decision.atMs, zone)}, ${decision.occasion}.${again}${became}`)))];
}

function why(answers) {
  const list = answers.flatMap((each) => [h("dt", {}, each.question), ...each.lines.map((line) => h("dd", {}, line))]);
  return [h("details", {}, h("summary", {}, "Why, in words"), h("dl", { class: "answers" }, ...list))];
}

