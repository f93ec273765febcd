// Plays a window that is over: the same updates as a live page gets, at any speed.

import { get } from "./api.js";
import { byId, say, show } from "./dom.js";
import { clockText } from "./times.js";

const TICK = 100;

export class Replay {
  constructor(onUpdate) {
    this.onUpdate = onUpdate;
    this.at = 0;
    this.playing = false;
    this.logs = new Map();
  }

  async start() {
    const { frames, journal } = await get("/api/frames");
    this.frames = frames.map(([seq, time, kind, step]) => ({ seq, time: new Date(time), kind, step }));
    this.journal = journal;
    this.now = this.frames.length ? this.frames[0].time : new Date();
    show(byId("replay"), true);
    byId("place").max = String(this.frames.length);
    byId("place").addEventListener("input", () => { this.pause(); this.go(Number(byId("place").value)); });
    byId("play").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    byId("back").addEventListener("click", () => { this.pause(); this.go(this.at - 1); });
    byId("forward").addEventListener("click", () => { this.pause(); this.go(this.at + 1); });
    document.addEventListener("keydown", (event) => this.key(event));
    setInterval(() => this.tick(), TICK);
    await this.go(0);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, button, dialog, [tabindex='0']")) return;
    const keys = {
      " ": () => (this.playing ? this.pause() : this.play()),
      ArrowRight: () => { this.pause(); this.go(this.at + 1); },
      ArrowLeft: () => { this.pause(); this.go(this.at - 1); },
      Home: () => { this.pause(); this.go(0); },
      End: () => { this.pause(); this.go(this.frames.length); },
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  }

  play() {
    if (this.at >= this.frames.length) this.go(0);
    this.playing = true;
    byId("play").setAttribute("aria-pressed", "true");
    say(byId("play"), "Pause");
  }

  pause() {
    this.playing = false;
    byId("play").setAttribute("aria-pressed", "false");
    say(byId("play"), "Play");
  }

  tick() {
    if (!this.playing) return;
    this.now = new Date(this.now.getTime() + TICK * Number(byId("speed").value));
    let next = this.at;
    while (next < this.frames.length && this.frames[next].time <= this.now) next += 1;
    if (next !== this.at) this.go(next, this.now);
    if (next >= this.frames.length) this.pause();
  }

  // Entry number `to` has just been written; 0 is before the first.
  async go(to, now = null) {
    this.at = Math.max(0, Math.min(to, this.frames.length));
    const frame = this.frames[this.at - 1];
    this.now = now || (frame ? frame.time : this.frames[0]?.time || new Date());
    byId("place").value = String(this.at);
    const text = frame ? `${this.at} of ${this.frames.length}, ${clockText(frame.time)}` : "before the first entry";
    byId("place").setAttribute("aria-valuetext", text);
    say(byId("place-text"), text);
    const wanted = this.at;
    const standing = await get(`/api/at?seq=${wanted}`);
    const { tasks, probes } = await this.logs_of(standing);
    if (wanted !== this.at) return;  // overtaken
    this.onUpdate({
      first: true, seq: wanted, standing,
      journal: this.journal.filter(([seq]) => seq <= wanted), tasks, probes, whole: true,
    });
  }

  async logs_of(standing) {
    const tasks = [];
    const probes = [];
    const begun = this.frames.slice(0, standing.seq).filter((frame) => frame.kind === "step-started");
    const attempts = new Map();
    const wanted = begun.map(({ step }) => {
      attempts.set(step, (attempts.get(step) || 0) + 1);
      return `${encodeURIComponent(step)}/${attempts.get(step)}`;
    });
    for (const name of wanted) {
      if (!this.logs.has(name)) this.logs.set(name, get(`/api/steps/${name}`).catch(() => ({ tasks: [], probes: [] })));
    }
    const logs = await Promise.all(wanted.map((name) => this.logs.get(name)));
    for (const log of logs) {
      tasks.push(...log.tasks.filter((row) => new Date(row[1]) <= this.now));
      probes.push(...log.probes.filter((row) => new Date(row[1]) <= this.now));
    }
    return { tasks, probes };
  }
}
