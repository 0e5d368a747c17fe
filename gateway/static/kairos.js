// kairos.js: sends what a user does on your page to Kairos. No dependencies; one file; works as a classic script and without a build.
//
//   <script src="https://collector.example.com/kairos.js"></script>
//   const kairos = new Kairos({ url: "https://collector.example.com", token: () => fetch("/kairos-token").then((r) => r.text()) });
//   kairos.consent(true);                      // once the user has agreed; kept until it is taken back
//   kairos.event("VIEW", { itemId: "mug-7" });
//   kairos.feedback("OPENED", { commandId });
//
// Nothing is sent, and nothing is kept, before consent. Events wait in a queue (kept in localStorage, bounded), go out in batches, and are tried
// again with growing waits; each has an id of its own, so that one that arrives twice counts once. When the page is left, what is waiting goes
// out by sendBeacon. `token` is a user's token or a function that brings one; a new one is asked for when the old one does not help.
// When another user signs in, make a new Kairos: what the former one left in the queue is not sent in the name of the next.
"use strict";

class Kairos {
  constructor({ url, token, storage = globalThis.localStorage, name = "kairos", batch = 50, waitMs = 2000, mostQueued = 1000, onRejected = () => {} }) {
    this.memory = {};
    Object.assign(this, { url: url.replace(/\/$/, ""), source: token, storage, name, batch, waitMs, mostQueued, onRejected });
    this.queue = this.agreed ? this._read("queue", []).map((one) => ({ ...one, before: true })) : [];
    this.failures = 0;
    this.sending = null;
    if (globalThis.document) {
      addEventListener("pagehide", () => this.leave());
      document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.leave());
      addEventListener("storage", ({ key }) => { // what the user takes back in another tab holds in this one
        if (key === `${this.name}.consent`) { delete this.memory.consent; if (!this.agreed) this.consent(false); }
      });
    }
    if (this.agreed && typeof this.source === "string") this.token = this.source;
    if (this.queue.length) this._later(0);
  }

  // Whether the user has agreed. false forgets what is waiting.
  get agreed() { return this._read("consent", false) === true; }

  consent(agreed) {
    this._write("consent", agreed === true);
    if (agreed !== true) { this._keep([]); this._write("user", undefined); clearTimeout(this.timer); }
  }

  // An interaction: "VIEW", "CART", … (kairos.v1.InteractionType without its prefix) and its other fields.
  event(type, fields = {}) {
    const context = { locale: globalThis.navigator?.language, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone, ...fields.context };
    return this._add("events", { ...fields, type: `INTERACTION_TYPE_${type}`, eventId: fields.eventId ?? kairosId(), context });
  }

  // What became of a push: "OPENED", "DISMISSED", "SUBSCRIBED", … (kairos.v1.Outcome without its prefix).
  feedback(outcome, fields = {}) {
    return this._add("feedback", { ...fields, outcome: `OUTCOME_${outcome}`, feedbackId: fields.feedbackId ?? kairosId() });
  }

  // Sends what is waiting; resolves when the queue is empty or a try has failed.
  flush() {
    this.sending ??= this._send().finally(() => { this.sending = null; });
    return this.sending;
  }

  // What is waiting goes out without anybody waiting for the answer; the ids make it harmless if it had gone out already.
  leave() {
    if (!this.queue.length || !this.token || !this.agreed) return;
    if (navigator.onLine === false || kairosClaims(this.token).exp * 1000 < Date.now()) return; // it would be lost: it waits for the next page
    const left = [];
    for (const path of ["events", "feedback"]) {
      let some = this.queue.filter((one) => one.path === path);
      while (some.length) {
        const part = some.splice(0, this.batch);
        const body = JSON.stringify({ token: this.token, records: part.map((one) => one.record) });
        if (!navigator.sendBeacon(`${this.url}/v1/${path}`, body)) { left.push(...part, ...some); break; }
      }
    }
    this._keep(left);
  }

  _add(path, record) {
    if (!this.agreed) return false;
    this.queue.push({ path, record: { ...record, occurredAtMs: String(record.occurredAtMs ?? Date.now()) } });
    this._keep(this.queue.slice(-this.mostQueued));
    if (this.queue.length >= this.batch && !this.failures) this.flush(); else this._later(this.failures ? undefined : this.waitMs);
    return true;
  }

  async _send() {
    while (this.queue.length && this.agreed) {
      const signedIn = await this._signIn();
      if (!this.queue.length || !this.agreed) return;
      const path = this.queue[0].path;
      const part = this.queue.filter((one) => one.path === path).slice(0, this.batch);
      const outcome = signedIn ? await this._post(path, part.map((one) => one.record)) : { again: true, afterMs: 0 };
      if (outcome.again) {
        this.failures += 1;
        this._later(Math.max(outcome.afterMs, (0.5 + Math.random() / 2) * Math.min(300_000, 1000 * 2 ** this.failures)));
        return;
      }
      this.failures = 0;
      const done = new Set(part);
      this._keep(this.queue.filter((one) => !done.has(one)));
      for (const one of outcome.rejected) this.onRejected({ ...one, record: part[one.index]?.record });
    }
  }

  // Whether there is a token. What was left here by another user than the one it speaks for is dropped.
  async _signIn() {
    try { this.token ??= typeof this.source === "function" ? await this.source() : this.source; } catch { return false; }
    const user = kairosClaims(this.token).sub;
    if (user && user !== this._read("user", user)) this._keep(this.queue.filter((one) => !one.before));
    if (user) this._write("user", user);
    return true;
  }

  async _post(path, records) {
    try {
      const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
      const answer = await fetch(`${this.url}/v1/${path}`, { method: "POST", headers, body: JSON.stringify(records) });
      if (answer.status === 401 && typeof this.source === "function") this.token = undefined;
      if ([401, 408, 429].includes(answer.status) || answer.status >= 500) return { again: true, afterMs: 1000 * (Number(answer.headers.get("Retry-After")) || 0) };
      const body = await answer.json();
      return { rejected: body.rejected ?? records.map((_, index) => ({ index, ...body.error })) };
    } catch { // no network, or a token that is none
      if (typeof this.source === "function") this.token = undefined;
      return { again: true, afterMs: 0 };
    }
  }

  _later(ms) {
    if (ms === undefined) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), ms);
  }

  _keep(queue) { this.queue = queue; this._write("queue", queue.length ? queue : undefined); }

  _read(key, otherwise) {
    if (key in this.memory) return this.memory[key] ?? otherwise;
    try { return JSON.parse(this.storage?.getItem(`${this.name}.${key}`)) ?? otherwise; } catch { return otherwise; }
  }

  _write(key, value) { // private windows and full disks refuse: then all this lives as long as the page
    this.memory[key] = value;
    try { value === undefined ? this.storage?.removeItem(`${this.name}.${key}`) : this.storage?.setItem(`${this.name}.${key}`, JSON.stringify(value)); } catch { /* see above */ }
  }
}

// What a token says; nothing if it cannot be read.
function kairosClaims(token) {
  try { return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))); } catch { return {}; }
}

function kairosId() {
  return globalThis.crypto?.randomUUID?.() ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${Math.random().toString(36).slice(2)}`;
}

globalThis.Kairos = Kairos;
