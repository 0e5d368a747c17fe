// The page: which corner, which person, and how its parts hear of each other.
import { ask } from "./api.js";
import { CORNERS } from "./corners.js";
import { byId, h } from "./dom.js";
import { closeOnBackdrop, openItem } from "./item.js";
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
byId("panel").append(new WebPush({ session: now, gateway: where.gateway }).element);
people();
tabs();
closeOnBackdrop();
document.addEventListener("click", () => session && panel.hurry());
addEventListener("hashchange", route);
be(where.people.find((person) => person.id === remembered()) ?? where.people[0]);
route();
opened();

function be(person) {
  session?.close();
  notifications.clear();
  connected(false);
  session = new Session(where, person, {
    onPush: (push) => notifications.push(push),
    onTakenBack: (commandId) => notifications.takeBack(commandId),
    onState: connected,
    onRejected: (refusal) => console.warn("Not taken:", refusal.reason),
  });
  byId("person").value = person.id;
  try { localStorage.setItem(REMEMBERED, person.id); } catch { /* for this visit only, then */ }
  panel.become();
}

function route() {
  const name = location.hash.slice(1);
  const view = VIEWS[name] ? name : "shop";
  for (const link of byId("tabs").children) link.toggleAttribute("aria-current", false);
  byId(`tab-${view}`).setAttribute("aria-current", "page");
  byId("view-shop").hidden = view === "operators";
  operators.show(view === "operators");
  if (view !== "operators") shelf.show(view).catch(() => {});
}

// Somebody has clicked on a notification of Web Push.
async function opened() {
  const query = new URLSearchParams(location.search);
  const command = query.get("opened");
  if (!command) return;
  history.replaceState(null, "", "/#shop");
  session.became("OPENED", { command_id: command, item_ids: [query.get("item")] });
  if (query.get("item")) look(await ask(`/api/items/${encodeURIComponent(query.get("item"))}`), command);
}

function people() {
  byId("person").replaceChildren(...where.people.map((person) => h("option", { value: person.id }, `${person.name}, ${person.timeZone.split("/").at(-1).replace("_", " ")}`)));
  byId("person").addEventListener("change", async (event) => {
    const { people: all } = await ask("/api/where"); // how far ahead their clock is by now
    be(all.find((person) => person.id === event.target.value));
  });
}

function tabs() {
  byId("tabs").replaceChildren(...Object.entries(VIEWS).map(([key, name]) => h("a", { href: `#${key}`, id: `tab-${key}` }, name)));
}

function connected(on) {
  byId("link").dataset.on = `${on}`;
  byId("link").textContent = on ? "Connected" : "Connecting";
}

function remembered() {
  try { return localStorage.getItem(REMEMBERED); } catch { return null; }
}
