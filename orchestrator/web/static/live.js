// The live page and its replay: one scene, then one small update at a time.

import { Actions } from "./js/actions.js";
import { get, openSession, Refused } from "./js/api.js";
import { byId, make, say, setData, show } from "./js/dom.js";
import { Head } from "./js/head.js";
import { moveNow, Picture } from "./js/picture.js";
import { Replay } from "./js/replay.js";
import { setZone } from "./js/times.js";
import { Hosts, Journal, Probes, Steps } from "./js/tables.js";

const page = { offset: 0, replay: null };

function now() {
  return page.replay ? page.replay.now : new Date(Date.now() + page.offset);
}

function update(given) {
  const began = performance.now();
  const { standing } = given;
  page.offset = new Date(standing.now) - Date.now();
  page.standing = standing;
  if (given.first) {
    page.hosts.reset();
    page.probes.reset();
    if (given.whole) page.journal.reset();
  }
  page.head.update(standing);
  page.head.tick(now());
  page.steps.update(standing);
  page.actions.update(standing);
  page.hosts.add(given.tasks);
  page.probes.add(given.probes);
  page.journal.add(given.journal);
  draw();
  // after the next frame was painted: what somebody who looks at the page waits for
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = () => performance.measure("update", { start: began, detail: given.seq });
    port1.postMessage(null);
  });
}

function draw() {
  const { seq } = page.standing;
  page.graph.show(`${byId("protocol").value}.svg?seq=${seq}`);
  page.gantt.show(`gantt.svg?seq=${seq}`);
}

function tick() {
  page.head.tick(now());
  line();
}

// Before the first and after the last step there is no "now" in the plan.
function line() {
  const going = page.standing?.started && !page.standing.ended;
  moveNow(byId("gantt"), going ? now() : null);
}

function listen() {
  const stream = new EventSource("/api/events");
  stream.addEventListener("open", () => link("open", "live"));
  stream.addEventListener("error", () => link("lost", "server gone, looking for it"));
  stream.addEventListener("update", (event) => update(JSON.parse(event.data)));
  // after a refusal (the token was changed) the browser does not try again by itself
  setInterval(() => { if (stream.readyState === EventSource.CLOSED) location.reload(); }, 5000);
}

function link(state, text) {
  setData(byId("link"), "link", state);
  say(byId("link-text"), text);
}

async function start() {
  await openSession();
  let scene;
  try { scene = await get("/api/scene"); } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    say(byId("sentence"), "Sign in to see the window");
    page.actions = new Actions({ mode: "none" }, () => location.reload());
    page.actions.signIn();
    return;
  }
  say(byId("organization"), scene.organization);
  say(byId("purpose"), scene.purpose === "rollback" ? "way back" : "");
  say(byId("digest"), scene.digest);
  setZone(scene.zone);
  say(byId("zone"), scene.zone);
  show(byId("what-if"), scene.what_if);
  byId("protocol").replaceChildren(...scene.protocols.map((name) => make("option", { value: name }, name)));
  show(byId("protocol-label"), scene.protocols.length > 1);
  page.head = new Head(scene);
  page.steps = new Steps(scene);
  page.hosts = new Hosts();
  page.probes = new Probes();
  page.journal = new Journal();
  page.actions = new Actions(scene, () => page.standing && page.actions.update(page.standing));
  page.graph = new Picture(byId("graph"), (key) => `/api/graph/${key}`);
  page.gantt = new Picture(byId("gantt"), (key) => `/api/${key}`);
  page.gantt.onshown = line;
  new Picture(byId("legend"), (key) => `/api/${key}`).show("legend.svg");
  byId("protocol").addEventListener("change", draw);
  setInterval(tick, 1000);
  if (scene.mode === "replay") {
    say(byId("here"), "Replay");
    link("open", "replay");
    page.replay = new Replay(update);
    await page.replay.start();
  } else listen();
}

start().catch((error) => {
  link("lost", error.message);
  say(byId("sentence"), "The page could not be opened");
});
