// CTR × CVR over the hours that were weighed, and what is left of it after waiting so long.
import { h, s } from "./dom.js";
import { day, percent } from "./format.js";

const WIDTH = 440;
const HEIGHT = 150;
const LEFT = 8;
const TOP = 12;
const BOTTOM = 24;

export function curve(told, zone) {
  const hours = told.hours.map((each) => ({ ...each, value: each.ctr * each.cvr, worth: each.ctr * each.cvr * each.discount }));
  const first = hours[0].atMs;
  const span = Math.max(1, hours.at(-1).atMs - first);
  const most = Math.max(...hours.map((each) => each.value)) * 1.12 || 1;
  const x = (ms) => LEFT + ((ms - first) / span) * (WIDTH - 2 * LEFT);
  const y = (value) => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
  const path = (name) => hours.map((each, n) => `${n ? "L" : "M"}${x(each.atMs).toFixed(1)} ${y(each[name]).toFixed(1)}`).join("");
  const base = HEIGHT - BOTTOM;
  const width = (WIDTH - 2 * LEFT) / Math.max(1, hours.length - 1);
  const chosen = hours.reduce((best, each) => (Math.abs(each.atMs - told.chosenAtMs) < Math.abs(best.atMs - told.chosenAtMs) ? each : best));
  const ticks = hours.filter((_, n) => n % Math.max(1, Math.ceil(hours.length / 4)) === 0);
  const best = hours.reduce((top, each) => (each.worth > top.worth ? each : top));
  const label = `CTR times CVR over ${hours.length} moments. The best now is ${day(best.atMs, zone)}, worth ${percent(best.worth, 3)}; chosen: ${day(chosen.atMs, zone)}.`;
  return [
    h("h2", {}, "The coming hours"),
    h("figure", { class: "curve" },
      s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
        s("path", { class: "area", d: `${path("value")}L${x(hours.at(-1).atMs)} ${base}L${x(first)} ${base}Z` }),
        s("line", { class: "axis", x1: LEFT, x2: WIDTH - LEFT, y1: base, y2: base }),
        s("path", { class: "line", d: path("value") }),
        s("path", { class: "worth", d: path("worth") }),
        s("line", { class: "now", x1: x(chosen.atMs), x2: x(chosen.atMs), y1: TOP - 6, y2: base }),
        ...ticks.map((each, n) => s("text", { x: x(each.atMs), y: HEIGHT - 8, "text-anchor": n ? "middle" : "start" }, day(each.atMs, zone))),
        ...hours.map((each) => s("rect", { class: "hit", x: x(each.atMs) - width / 2, y: TOP, width, height: base - TOP },
          s("title", {}, `${day(each.atMs, zone)}: opens ${percent(each.ctr, 2)}, converts ${percent(each.cvr, 2)}, fresh ${percent(each.discount, 0)}`)))),
      h("figcaption", { class: "legend" }, h("span", {}, "opens × converts"), h("span", { class: "of-worth" }, "after waiting"), h("span", { class: "of-now" }, `chosen: ${day(chosen.atMs, zone)}`))),
  ];
}
