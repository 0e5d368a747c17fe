// CTR × CVR over the hours of the week where the user is, with quiet hours, now, and the next wake-up.
import { h, s } from "./dom.js";
import { count, day, percent, placeInWeek } from "./format.js";

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WEEK_MS = 7 * 86_400_000;
const WIDTH = 440;
const HEIGHT = 170;
const LEFT = 6;
const TOP = 14;
const BASE = HEIGHT - 24;

const x = (slot) => LEFT + (slot / 168) * (WIDTH - 2 * LEFT);
const hour = (slot) => `${`${slot % 24}`.padStart(2, "0")}:00`;
const named = (slot) => `${DAYS[Math.floor(slot / 24)]} ${hour(slot)}`;

// `nowMs`: by the user's clock. `wakeUp`: null, or when and why.
export function week(told, zone, nowMs, wakeUp) {
  const values = told.ctr.map((ctr, slot) => ctr * told.cvr[slot]);
  const most = Math.max(...values) * 1.15;
  const y = (value) => TOP + (1 - value / most) * (BASE - TOP);
  const now = placeInWeek(nowMs, zone);
  const wakes = wakeUp && wakeUp.atMs > nowMs && wakeUp.atMs - nowMs < WEEK_MS ? placeInWeek(wakeUp.atMs, zone) : null;
  const bests = DAYS.map((_, n) => best(values, told.quiet, n));
  const line = `M${x(0)} ${y(values[0]).toFixed(1)}${values.map((value, slot) => `L${x(slot + .5).toFixed(1)} ${y(value).toFixed(1)}`).join("")}L${x(168)} ${y(values[167]).toFixed(1)}`;
  const top = bests.filter((slot) => slot !== null).reduce((first, slot) => (first === null || values[slot] > values[first] ? slot : first), null);
  const varies = Math.max(...values) > 1.001 * Math.min(...values);
  const words = [
    "CTR times CVR over the hours of the week.",
    !varies ? "All hours are alike." : top === null ? "It is always quiet." : `The best hour is ${named(top)}, ${percent(values[top], 3)}.`,
    `Now, ${day(nowMs, zone)}: ${percent(values[Math.floor(now)], 3)}.`,
    wakes === null ? "" : `Next wake-up: ${day(wakeUp.atMs, zone)}, ${percent(values[Math.floor(wakes)], 3)}.`,
    quietWords(told.quiet),
  ].filter(Boolean).join(" ");
  const mark = (name, at) => [
    s("line", { class: name, x1: x(at), x2: x(at), y1: TOP - 8, y2: BASE }),
    s("circle", { class: name, cx: x(at), cy: y(values[Math.floor(at)]), r: 4 }),
  ];
  return [
    h("h2", {}, "The week"),
    h("figure", { class: "curve week" },
      s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
        s("path", { class: "area", d: `${line}L${x(168)} ${BASE}L${x(0)} ${BASE}Z` }),
        ...quietSpans(told.quiet).map(([from, until]) => s("rect", { class: "quiet", x: x(from), width: x(until) - x(from), y: TOP - 8, height: BASE - TOP + 8 })),
        s("line", { class: "axis", x1: LEFT, x2: WIDTH - LEFT, y1: BASE, y2: BASE }),
        ...DAYS.map((_, n) => s("line", { class: "axis", x1: x(24 * n), x2: x(24 * n), y1: BASE, y2: BASE + 5 })),
        s("path", { class: "line", d: line }),
        ...mark("now", now), ...(wakes === null ? [] : mark("wakes", wakes)),
        ...DAYS.map((name, n) => s("text", { x: x(24 * n + 12), y: HEIGHT - 8, "text-anchor": "middle" }, name.slice(0, 3))),
        ...values.map((value, slot) => s("rect", { class: "hit", x: x(slot), y: TOP, width: x(1) - x(0), height: BASE - TOP },
          s("title", {}, `${named(slot)}: opens ${percent(told.ctr[slot], 2)}, converts ${percent(told.cvr[slot], 2)}`)))),
      h("figcaption", { class: "legend" }, h("span", {}, "opens × converts"), h("span", { class: "of-now" }, "now"),
        wakes === null ? null : h("span", { class: "of-wakes" }, `next wake-up: ${day(wakeUp.atMs, zone)}`),
        told.quiet ? h("span", { class: "of-quiet" }, "quiet hours") : null)),
    h("p", { class: "muted small" }, wakes === null ? "" : `It waits for this: ${wakeUp.why}. `, `${source(told)} ${varies ? "" : "All hours are alike as yet. "}${quietWords(told.quiet)}`),
    h("details", {}, h("summary", {}, "The best hour of each day"), table(bests, values, told)),
  ];
}

// From what it is reckoned: counts that fade with time.
function source(told) {
  const own = [["visits", told.visits], ["pushes", told.sends]].filter(([, much]) => much >= .05).map(([name, much]) => `${much.toFixed(1)} ${name}`);
  const theirs = own.length ? `${own.join(" and ")} of theirs` : "nothing of their own yet";
  const others = [["visits", told.othersVisits], ["pushes", told.othersSends]].filter(([, much]) => much >= .5).map(([name, much]) => `${count(Math.round(much))} ${name}`);
  return `Reckoned from ${theirs}, and ${others.length ? `${others.join(" and ")} of others` : "nothing of others"}.`;
}

function best(values, quiet, n) {
  const loud = values.map((_, slot) => slot).filter((slot) => Math.floor(slot / 24) === n && !isQuiet(slot, quiet));
  return loud.length ? loud.reduce((first, slot) => (values[slot] > values[first] ? slot : first)) : null;
}

function table(bests, values, told) {
  const columns = ["Day", "Hour", "Opens", "Converts", "Both"];
  return h("table", {},
    h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...bests.map((slot, n) => h("tr", {}, h("th", { scope: "row" }, DAYS[n]),
      ...(slot === null ? [h("td", { colspan: "4" }, "quiet")] : [hour(slot), percent(told.ctr[slot], 2), percent(told.cvr[slot], 2), percent(values[slot], 3)].map((text) => h("td", {}, text)))))));
}

// Minutes of the day: a window may go over midnight.
function isQuiet(slot, quiet) {
  if (!quiet) return false;
  const minute = 60 * (slot % 24);
  const [start, end] = quiet;
  return start < end ? start <= minute && minute < end : minute >= start || minute < end;
}

function quietSpans(quiet) {
  if (!quiet) return [];
  const [start, end] = quiet.map((minute) => minute / 60);
  const windows = start < end ? [[start, end]] : [[0, end], [start, 24]];
  return DAYS.flatMap((_, n) => windows.map(([from, until]) => [24 * n + from, 24 * n + until]));
}

function quietWords(quiet) {
  if (!quiet) return "No hour is quiet under this policy.";
  const [start, end] = quiet.map((minute) => `${`${Math.floor(minute / 60)}`.padStart(2, "0")}:${`${minute % 60}`.padStart(2, "0")}`);
  return `Quiet from ${start} to ${end}.`;
}
