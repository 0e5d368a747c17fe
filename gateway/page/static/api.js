// What the page asks its own server.

export async function ask(path) {
  const answer = await fetch(path);
  if (answer.status === 204) return null;
  return read(answer);
}

export async function tell(path, body = {}) {
  return read(await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));
}

async function read(answer) {
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error?.reason ?? `the server answers ${answer.status}`);
  return body;
}
