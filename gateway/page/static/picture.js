// A picture for an item that has none: shapes drawn by its id, in the colour of its category. The same item always looks the same.
import { s } from "./dom.js";

export function picture(item) {
  const draw = numbers(item.id);
  const hue = (hash((item.categories ?? []).join("/")) % 360 + draw() * 26) % 360;
  const colours = [`hsl(${hue} 62% 84%)`, `hsl(${hue} 58% 62%)`, `hsl(${(hue + 34) % 360} 66% 55%)`, `hsl(${(hue + 190) % 360} 40% 32%)`];
  const svg = s("svg", { class: "picture", viewBox: "0 0 120 90", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" });
  svg.append(s("rect", { width: 120, height: 90, fill: colours[0] }));
  const shapes = { news: lines, social: circles }[item.scenario] ?? blocks;
  svg.append(...shapes(draw, colours));
  return svg;
}

function blocks(draw, [, ...colours]) {
  const kinds = [
    (x, y, size, fill) => s("circle", { cx: x, cy: y, r: size / 2, fill }),
    (x, y, size, fill) => s("rect", { x: x - size / 2, y: y - size / 2, width: size, height: size, rx: size * 0.12, fill }),
    (x, y, size, fill) => s("path", { d: `M${x - size / 2} ${y + size / 2}v${-size / 2}a${size / 2} ${size / 2} 0 0 1 ${size} 0v${size / 2}z`, fill }),
  ];
  return [0, 1, 2].map((n) => kinds[Math.floor(draw() * 3)](24 + draw() * 72, 24 + draw() * 44, 44 - n * 11 + draw() * 10, colours[n % 3]));
}

function lines(draw, [, ...colours]) {
  const found = [s("circle", { cx: 30 + draw() * 60, cy: 34 + draw() * 20, r: 12 + draw() * 12, fill: colours[1] })];
  for (let n = 0; n < 4; n += 1) {
    const y = 40 + n * 14 + draw() * 6;
    const at = () => y - 12 + draw() * 24;
    found.push(s("path", { d: `M-5 ${y}C25 ${at()} 45 ${at()} 65 ${y}S105 ${at()} 125 ${y}V100H-5z`, fill: colours[n % 2 ? 0 : 2], opacity: 0.35 + n * 0.15 }));
  }
  return found;
}

function circles(draw, [, ...colours]) {
  return Array.from({ length: 6 }, (_, n) =>
    s("circle", { cx: draw() * 120, cy: draw() * 90, r: 10 + draw() * 24, fill: colours[n % 3], opacity: 0.55 + draw() * 0.35 }));
}

function hash(text) {
  let value = 2166136261;
  for (const sign of text) value = Math.imul(value ^ sign.codePointAt(0), 16777619);
  return value >>> 0;
}

function numbers(text) {
  let state = hash(text) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}
