// The page: which corner, which person, and how its parts hear of each other.
import { ask } from "./api.js";
import { CORNERS } from "./corners.js";
import { byId, h } from "./dom.js";
import { openItem, watchItem } from "./item.js";
import { jump } from "./jump.js";
import { Notifications } from "./notifications.js";
import { Operators } from "./operators.js";
import { Panel } from "./panel.js";
import { Session } from "./session.js";
import { Shelf } from "./shelf.js";
import { WebPush } from "./webpush.js";

const VIEWS = { ...Object.fromEntries(Object.entries(CORNERS).map(([key, corner]) => [key, corner.name])), operators: "Operators" };
const REMEMBERED = "kairos-page.person";

let session = null;
const now = () => session;
const look = (item, commandId) => { openItem(item, now, commandId); panel.hurry(); };
const shelf = new Shelf({ session: now, look });
const panel = new Panel({ session: now });
const notifications = new Notifications({ session: now, open: look, changed: () => panel.hurry() });
const operators = new Operators();

const where = await ask("/api/where");
const webPush = new WebPush({ session: now, where });
byId("panel").append(webPush.element);
people();
tabs();
skip();
jump();
watchItem();
document.addEventListener("click", () => session && panel.hurry());
addEventListener("hashchange", route);
be(where.people.find((person) => person.id === remembered()) ?? where.people[0]);
route();
clicked();

function be(person) {
  session?.close();
  notifications.clear();
  session = new Session(where, person, {
    onPush: (push) => notifications.push(push),
    onTakenBack: (commandId) => notifications.takeBack(commandId),
    onState: connected,
    onRejected: (refusal) => console.warn("Not taken:", refusal.reason),
  });
  connected(false);
  byId("person").value = person.id;
  try { localStorage.setItem(REMEMBERED, person.id); } catch { /* for this visit only, then */ }
  panel.become();
  webPush.become();
}

// Somebody else, their clock as far ahead as it is by now.
async function become(id) {
  const { people: all } = await ask("/api/where");
  be(all.find((person) => person.id === id) ?? session.person);
}

function route() {
  const name = location.hash.slice(1);
  const view = VIEWS[name] ? name : "shop";
  for (const link of byId("tabs").children) link.toggleAttribute("aria-current", false);
  byId(`tab-${view}`).setAttribute("aria-current", "page");
  byId("view-shop").hidden = view === "operators";
  document.body.dataset.view = view;
  document.title = `${VIEWS[view]} · Kairos: the right push, at the right moment`;
  operators.show(view === "operators");
  if (view !== "operators") shelf.show(view).catch(() => {});
}

// Somebody has clicked on a notification of Web Push: its worker has opened this page, or says so if it was open.
function clicked() {
  navigator.serviceWorker?.addEventListener("message", (event) => follow(event.data));
  const about = Object.fromEntries(new URLSearchParams(location.search));
  if (!about.command) return;
  history.replaceState(null, "", `/${location.hash}`);
  follow(about);
}

// As the one whom it was pushed to, who has opened it: the worker told Kairos so.
async function follow({ person, command, item }) {
  if (person !== session.person.id) await become(person);
  if (item) look(await ask(`/api/items/${encodeURIComponent(item)}`), command);
}

function people() {
  byId("person").replaceChildren(...where.people.map((person) => h("option", { value: person.id }, `${person.name}, ${person.timeZone.split("/").at(-1).replace("_", " ")}`)));
  byId("person").addEventListener("change", (event) => become(event.target.value));
}

function tabs() {
  byId("tabs").replaceChildren(...Object.entries(VIEWS).map(([key, name]) => h("a", { href: `#${key}`, id: `tab-${key}` }, name)));
}

// The address says which corner it is, so it cannot say where in the page.
function skip() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
}

function connected(on) {
  byId("link").dataset.on = `${on}`;
  byId("link").textContent = on ? "Connected" : session?.away ? "Away" : "Connecting";
}

function remembered() {
  try { return localStorage.getItem(REMEMBERED); } catch { return null; }
}
