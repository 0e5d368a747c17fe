// Numbers and moments for people.

const cached = new Map();

function formatter(kind, locale, options) {
  const key = `${locale}|${JSON.stringify(options)}`;
  if (!cached.has(key)) cached.set(key, new kind(locale, options));
  return cached.get(key);
}

export function clock(ms, zone) {
  return formatter(Intl.DateTimeFormat, "en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
}

export function day(ms, zone) {
  return formatter(Intl.DateTimeFormat, "en-GB", { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit" }).format(ms);
}

export function money(value, currency) {
  return formatter(Intl.NumberFormat, "en-GB", { style: "currency", currency: currency || "EUR" }).format(value);
}

export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

export function count(number) {
  return formatter(Intl.NumberFormat, "en-GB", {}).format(number);
}

// The two largest units: "1 h 5 min".
export function duration(ms) {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let rest = seconds;
  const words = [];
  for (const [name, size] of parts) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole || (name === "s" && !words.length)) words.push(`${whole} ${name}`);
    if (words.length === 2) break;
  }
  return words.join(" ");
}

// Hours since Monday 00:00 by the wall clock of a zone, 0 to 168, to the minute.
export function placeInWeek(ms, zone) {
  const parts = formatter(Intl.DateTimeFormat, "en-GB", { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts(ms);
  const part = (type) => parts.find((each) => each.type === type).value;
  return 24 * ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(part("weekday")) + Number(part("hour")) + Number(part("minute")) / 60;
}
