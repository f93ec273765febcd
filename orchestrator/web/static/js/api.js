// Requests to the server this page came from, and to no other.

export class Refused extends Error {
  constructor(status, said) {
    super(said.error || `the server answered ${status}`);
    this.status = status;
    this.remedy = said.remedy || "";
  }
}

export const session = { signed_in: false, csrf: "", needed: false, can_resume: false };

async function answered(response) {
  const text = await response.text();
  let said = {};
  try { said = JSON.parse(text); } catch { said = { error: text }; }
  if (!response.ok) throw new Refused(response.status, said);
  return said;
}

export async function get(path) {
  return answered(await fetch(path, { credentials: "same-origin" }));
}

export async function post(path, body) {
  const headers = { "content-type": "application/json", "x-csrf-token": session.csrf };
  return answered(await fetch(path, { method: "POST", credentials: "same-origin", headers, body: JSON.stringify(body) }));
}

export async function signIn(token) {
  Object.assign(session, await post("/api/session", { token }));
  Object.assign(session, await get("/api/session"));
}

// The token comes behind #, which no browser sends anywhere; it leaves the address bar at once.
export async function openSession() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    try { await signIn(token); } catch (error) { if (!(error instanceof Refused)) throw error; }
  }
  Object.assign(session, await get("/api/session"));
}
