// The latest decisions, the newest first.
import { h } from "./dom.js";
import { clock } from "./format.js";

const TAGS = { sent: ["good", "sent"], deferred: ["warm", "put off"], suppressed: ["bad", "not sent"] };

export function timeline(decisions, zone) {
  return [
    h("h2", {}, "Decisions"),
    h("ol", { class: "timeline" }, ...decisions.map((each) => {
      const [style, name] = TAGS[each.verdict];
      const what = each.verdict === "sent" ? each.title || each.item?.title || "" : each.why;
      const became = each.outcomes.length ? h("span", { class: "became" }, ` (${[...new Set(each.outcomes)].join(", ")})`) : null;
      return h("li", {}, h("time", {}, clock(each.atMs, zone)), h("span", {}, h("span", { class: `tag ${style}` }, name), ` ${what}`, became));
    })),
  ];
}
