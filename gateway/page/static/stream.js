// Pushes to one user over the gateway's WebSocket: resumes after what was acknowledged, and comes again when the connection is lost.

const LONGEST_MS = 15_000;

export class Stream {
  // `token`: brings a token, a new one if `fresh`. `onPush(push)`, `onTakenBack(commandId)`, `onState(connected)`.
  constructor({ url, token, device, onPush, onTakenBack, onState }) {
    Object.assign(this, { url: url.replace(/^http/, "ws"), token, device, onPush, onTakenBack, onState });
    this.failures = 0;
    this.closed = false;
    this.open(false);
  }

  async open(fresh) {
    let token;
    try { token = await this.token(fresh); } catch { this.again(); return; }
    if (this.closed) return;
    const query = new URLSearchParams({ token, device_id: this.device });
    this.socket = new WebSocket(`${this.url}/v1/stream?${query}`);
    this.socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => {
      if (this.closed) return;
      this.onState(false);
      this.again();
    });
  }

  take(message) {
    if (this.closed) return;
    if (message.type === "hello") { this.failures = 0; this.onState(true); }
    if (message.again_ms) setTimeout(() => this.acknowledge(), message.again_ms);
    if (message.type === "taken_back") this.onTakenBack(message.command_id);
    if (message.type !== "push") return;
    this.onPush(message.push);
    this.taken = message.id;
    this.acknowledge();
  }

  // This push, and all before it.
  acknowledge() {
    if (this.taken && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "ack", id: this.taken }));
  }

  // With a new token: the old one may have ended, and with it Kairos hears that this person can be reached again.
  again() {
    if (this.closed) return;
    this.failures += 1;
    setTimeout(() => this.closed || this.open(true), Math.min(LONGEST_MS, 300 * 2 ** this.failures));
  }

  close() {
    this.closed = true;
    const { socket } = this;
    // one that is not open yet cannot be closed without a complaint of the browser's
    if (socket?.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
    else socket?.close();
  }
}
