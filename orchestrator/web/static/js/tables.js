// Steps, hosts, task log, probes and journal: each keeps its rows and changes only what changed.

import { appendLines, byId, make, say, setData, show } from "./dom.js";
import { clockText, moment } from "./times.js";

const MOST_LINES = 200;
const ROWS_AT_ONCE = 100;
const WORDS = { "in-doubt": "in doubt", started: "runs" };
const SIGNS = { succeeded: "✓", verified: "✓", failed: "✗", "in-doubt": "?", started: "▸", compensated: "↶" };

export class Steps {
  constructor(scene) {
    this.scene = scene;
    this.rows = scene.steps.map((step, index) => {
      const status = make("td", { class: "mark" });
      const minutes = make("td", { class: "number" });
      const why = make("div", { class: "why" });
      const text = `${step.servers.join(", ") || `${step.probes} probes`}${step.pilot ? " · pilot" : ""}`;
      const name = make("td", { title: step.reason }, make("bdi", {}, step.id), make("div", { class: "why" }, make("bdi", {}, text)), why);
      const row = make("tr", {}, make("td", { class: "number" }, String(index + 1)), name, status, minutes);
      return { row, status, minutes, why };
    });
    byId("steps").tBodies[0].replaceChildren(...this.rows.map((one) => one.row));
  }

  update(standing) {
    standing.steps.forEach(([status, attempt, , , begun, ended, reason], index) => {
      const { row, status: cell, minutes, why } = this.rows[index];
      const word = `${SIGNS[status] || "·"} ${WORDS[status] || status}${attempt > 1 ? ` (attempt ${attempt})` : ""}`;
      setData(row, "status", status);
      say(cell, word);
      say(why, reason);
      this.minutes(index, begun, ended, minutes);
    });
    const at = standing.steps.findIndex(([status]) => status === "started");
    if (at >= 0 && at !== this.at) {
      this.at = at;
      const { row } = this.rows[at];
      const box = row.closest(".scroll");
      // with the layout of the next frame, not with one more
      requestAnimationFrame(() => { box.scrollTop = Math.max(0, row.offsetTop - box.clientHeight / 2); });
    }
  }

  minutes(index, begun, ended, cell) {
    const planned = this.scene.steps[index].minutes;
    if (begun && ended) say(cell, `${((moment(ended) - moment(begun)) / 60000).toFixed(1)} / ${planned}`);
    else say(cell, `– / ${planned}`);
  }
}

export class Hosts {
  constructor() {
    this.body = byId("hosts").tBodies[0];
    this.log = byId("log");
    this.choice = byId("log-host");
    this.reset();
    this.choice.addEventListener("change", () => this.choose());
    for (const name of ["focus", "pointerdown"]) this.choice.addEventListener(name, () => this.offer());
  }

  reset() {
    this.rows = new Map();
    this.latest = new Map();
    this.stale = new Set();
    this.lines = [];
    this.body.replaceChildren();
    this.log.replaceChildren();
    this.choice.replaceChildren(make("option", { value: "" }, "all"));
  }

  // Rows: step, time, host, task, outcome, message.
  add(rows) {
    const last = new Map();
    for (const row of rows) last.set(row[2], row);
    for (const [host, row] of last) {
      this.latest.set(host, row);
      this.stale.add(host);
    }
    if (last.size) say(byId("hosts-count"), String(this.latest.size));
    this.draw();
    const said = rows.filter((row) => row[4] !== "started" && row[4] !== "skipped");
    this.lines.push(...said);
    if (this.lines.length > 4 * MOST_LINES) this.lines.splice(0, this.lines.length - 4 * MOST_LINES);
    this.write(said);
  }

  // Hundreds of hosts that end at once are drawn over some frames, so that none of them is late.
  draw() {
    const fresh = [];
    let left = ROWS_AT_ONCE;
    for (const host of this.stale) {
      if (left === 0) break;
      left -= 1;
      this.stale.delete(host);
      const row = this.latest.get(host);
      let known = this.rows.get(host);
      if (!known) {
        known = { row: make("tr"), task: make("td"), outcome: make("td", { class: "mark" }) };
        known.row.append(make("td", {}, make("bdi", {}, host)), known.task, known.outcome);
        this.rows.set(host, known);
        fresh.push(known.row);
      }
      say(known.task, row[3]);
      say(known.outcome, row[4] === "started" ? "▸ runs" : row[4]);
      setData(known.row, "status", row[4] === "unreachable" ? "failed" : row[4]);
    }
    this.body.append(...fresh);
    if (this.stale.size && !this.drawing) {
      this.drawing = true;
      requestAnimationFrame(() => { this.drawing = false; this.draw(); });
    }
  }

  // The list of hosts is made when somebody is about to choose.
  offer() {
    const listed = new Set([...this.choice.options].map((option) => option.value));
    this.choice.append(...[...this.latest.keys()].filter((host) => !listed.has(host)).map((host) => make("option", { value: host }, host)));
  }

  choose() {
    this.log.replaceChildren();
    this.write(this.lines);
  }

  write(rows) {
    const host = this.choice.value;
    const wanted = rows.filter((row) => !host || row[2] === host).slice(-MOST_LINES);
    appendLines(this.log, wanted.map((row) => line(row)), MOST_LINES);
  }
}

function line([, time, host, task, outcome, message]) {
  const bad = outcome === "failed" || outcome === "unreachable";
  return make("li", { class: bad ? "bad" : null },
    make("time", {}, clockText(new Date(time))), make("bdi", {}, host), `: ${task}: ${outcome}`,
    message ? make("div", {}, make("bdi", {}, message)) : null);
}

export class Probes {
  constructor() {
    this.body = byId("probes").tBodies[0];
    this.reset();
  }

  reset() {
    this.rows = new Map();
    this.counts = [0, 0];
    this.body.replaceChildren();
    say(byId("figure-probes"), "none yet");
  }

  // Rows: step, time, source, target, outcome, as expected, why, coverage. The newest stands on top.
  add(rows) {
    for (const [step, time, source, target, outcome, expected, why, coverage] of rows) {
      const key = `${source} ${target}`;
      this.rows.get(key)?.remove();
      const row = make("tr", { data: { good: expected }, title: `${step}, ${clockText(new Date(time))}: ${why}` },
        make("td", {}, make("bdi", {}, source)), make("td", {}, make("bdi", {}, target)),
        make("td", { class: "mark" }, `${expected ? "✓" : "✗"} ${outcome}`, expected ? null : make("div", { class: "why" }, make("bdi", {}, why))),
        make("td", {}, coverage || "not known"));
      this.rows.set(key, row);
      this.body.prepend(row);
      this.counts[expected ? 0 : 1] += 1;
    }
    const [good, bad] = this.counts;
    if (good + bad) say(byId("figure-probes"), `${good} of ${good + bad}`);
  }
}

export class Journal {
  constructor() {
    this.list = byId("journal");
    this.seen = 0;
  }

  reset() {
    this.list.replaceChildren();
    this.seen = 0;
  }

  // Rows: number, time, step, what happened, more of it, whether it is bad.
  add(rows) {
    const fresh = rows.filter((row) => row[0] > this.seen);
    if (fresh.length) this.seen = fresh.at(-1)[0];
    appendLines(this.list, fresh.map(([seq, time, step, said, more, bad]) =>
      make("li", { class: bad ? "bad" : null, data: { seq } },
        make("time", {}, clockText(new Date(time))), step ? make("bdi", {}, step) : null,
        `${step ? " " : ""}${said}`, more ? make("span", { class: bad ? null : "muted" }, " · ", make("bdi", {}, more)) : null)), MOST_LINES * 3);
  }
}
