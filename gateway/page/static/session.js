// Being one of the people: what they do goes to the collector, what is pushed to them comes from the gateway, all dated by their own clock.
import { tell } from "./api.js";
import { Stream } from "./stream.js";

const SOON_MS = 60_000; // so long before a token ends there is a new one
const AGAIN_MS = 5_000;
const clients = new Map(); // one kairos.js for each person: each has a queue of its own

export class Session {
  constructor(where, person, { onPush, onTakenBack, onState, onRejected }) {
    this.person = person;
    this.aheadMs = person.aheadMs;
    this.actedAt = 0;
    this.device = deviceId();
    this.token = null;
    const bring = (fresh) => this.bring(fresh);
    this.kairos = clients.get(person.id) ?? new Kairos({ url: where.collector, token: () => bring(true), name: `kairos-page.${person.id}`, waitMs: 20, onRejected });
    clients.set(person.id, this.kairos);
    this.kairos.source = () => bring(true);
    this.kairos.token = undefined;
    this.kairos.consent(true);
    this.listen = () => new Stream({ url: where.gateway, token: bring, device: this.device, onPush, onTakenBack, onState });
    this.onState = onState;
    this.away = false;
    this.stream = this.listen();
  }

  now() { return Date.now() + this.aheadMs; }

  // An interaction with an item.
  did(type, item, fields = {}) {
    this.actedAt = this.now();
    const context = { deviceId: this.device, timeZone: this.person.timeZone, locale: this.person.locale, country: this.person.country };
    const about = item ? { itemId: item.id } : {};
    this.kairos.event(type, { ...about, ...fields, occurredAtMs: this.actedAt, context });
  }

  // What became of a push.
  became(outcome, push, fields = {}) {
    const about = push ? { commandId: push.command_id, itemId: push.item_ids?.[0] } : {};
    this.kairos.feedback(outcome, { ...about, ...fields, deviceId: this.device, channel: "CHANNEL_IN_APP", occurredAtMs: this.now() });
  }

  // Away: for the gateway this page is closed.
  step(away) {
    this.away = away;
    if (away) this.stream.close();
    else this.stream = this.listen();
    this.onState(false);
  }

  async advance(byMs) {
    await this.kairos.flush(); // what was done before the clock was put ahead comes first
    ({ aheadMs: this.aheadMs } = await tell(`/api/people/${this.person.id}/clock`, { byMs: Math.ceil(byMs) }));
  }

  // A token; a new one in time, so that nothing is refused for its age.
  async bring(fresh) {
    if (fresh || !this.token || this.token.expiresAtMs < Date.now() + SOON_MS / 2) {
      this.token = await tell(`/api/people/${this.person.id}/session`);
      this.aheadMs = this.token.aheadMs;
      this.kairos.token = this.token.token;
      clearTimeout(this.renewal);
      const waitMs = Math.max(AGAIN_MS, this.token.expiresAtMs - Date.now() - SOON_MS);
      this.renewal = setTimeout(() => this.closed || this.bring(true).catch(() => {}), waitMs);
    }
    return this.token.token;
  }

  close() {
    this.closed = true;
    clearTimeout(this.renewal);
    this.kairos.flush();
    this.stream.close();
  }
}

function deviceId() {
  try { return (sessionStorage["kairos-page.device"] ??= `page-${kairosId().slice(0, 8)}`); } catch { return `page-${kairosId().slice(0, 8)}`; }
}
