// What if: every change of the form is a question, and only the last question is answered.

import { get, openSession, post } from "./js/api.js";
import { byId, make, say, setData, show } from "./js/dom.js";
import { Picture } from "./js/picture.js";
import { dayText, setZone } from "./js/times.js";

const WAIT = 150;
const number = new Intl.NumberFormat("en-GB");
const FIGURES = [
  ["steps", "Steps"], ["servers", "Servers changed"], ["minutes", "Minutes of work"],
  ["redirected_users", "Users redirected"], ["redirected_user_hours", "User-hours redirected"],
  ["outage_user_hours", "User-hours of outage"], ["one_way", "Steps without a way back"],
];
const page = { id: 0 };

function checkbox(name, value, checked, text, note) {
  const input = make("input", { type: "checkbox", name, value, checked });
  return make("label", { class: "choice row" }, make("span", {}, make("bdi", {}, text), note ? make("span", { class: "why" }, " ", make("bdi", {}, note)) : null), input);
}

function fill(choices) {
  page.saved = choices.costs;
  byId("goals").replaceChildren(...Object.entries(choices.goals).map(([line, builds]) => {
    const options = builds.map(({ build, name, chosen }) => make("option", { value: build, selected: chosen }, `${name} (${build})`));
    return make("label", { class: "choice" }, `Exchange ${line}`,
      make("select", { name: "goal" }, make("option", { value: "" }, "stays as it is"), ...options));
  }));
  byId("pools").replaceChildren(...choices.pools.map((pool) => checkbox("hold", pool.id, Boolean(pool.hold), pool.id, pool.hold)));
  byId("rules").replaceChildren(...choices.rules.map((rule) => {
    const options = [make("option", { value: "" }, `as it is: ${rule.verdict}`)];
    if (rule.acceptable) options.push(make("option", { value: "accept", selected: rule.accepted }, "accept the risk"));
    options.push(make("option", { value: "strict", selected: rule.strict }, "forbid: take as broken"));
    return make("label", { class: "choice", title: rule.title }, make("span", {}, make("bdi", {}, rule.id), make("span", { class: "why" }, ` ${rule.title} [${rule.confidence}]`)),
      make("select", { name: "rule", data: { rule: rule.id } }, ...options));
  }));
  say(byId("zone"), choices.zone);
  page.zone = choices.zone || "UTC";
  setZone(page.zone);
  show(byId("windows-set"), choices.windows.length > 0);
  byId("windows").replaceChildren(...choices.windows.map(([start, end], index) =>
    make("div", { class: "choice window", data: { start, end } },
      make("label", {}, `Window ${index + 1} from `, make("input", { type: "datetime-local", name: "start", value: start, required: true })),
      make("label", {}, "to ", make("input", { type: "datetime-local", name: "end", value: end, required: true })))));
}

function question() {
  const form = byId("question");
  const chosen = (name) => [...form.querySelectorAll(`[name=${name}]`)];
  const rules = chosen("rule");
  return {
    goals: chosen("goal").map((one) => one.value).filter(Boolean),
    hold: chosen("hold").filter((one) => one.checked).map((one) => one.value),
    accept: rules.filter((one) => one.value === "accept").map((one) => one.dataset.rule),
    strict: rules.filter((one) => one.value === "strict").map((one) => one.dataset.rule),
    windows: [...form.querySelectorAll(".window")].map((one) => {
      const [start, end] = [...one.querySelectorAll("input")].map((input) => input.value);
      return [one.dataset.start, one.dataset.end, start, end];
    }).filter(([oldStart, oldEnd, start, end]) => start !== oldStart || end !== oldEnd),
  };
}

async function ask() {
  page.wanted = JSON.stringify(question());
  if (page.busy) return;
  page.busy = true;
  byId("main").classList.add("busy");
  byId("main").setAttribute("aria-busy", "true");
  try {
    while (page.asked !== page.wanted) {
      page.asked = page.wanted;
      const began = performance.now();
      const answer = await post("/api/what-if", JSON.parse(page.asked));
      if (page.asked === page.wanted) render(answer);
      performance.measure("what-if", { start: began });
    }
  } catch (error) {
    render({ ok: false, text: error.message, remedy: "" });
    page.asked = null;
  } finally {
    page.busy = false;
    byId("main").classList.remove("busy");
    byId("main").removeAttribute("aria-busy");
  }
}

function render(answer) {
  setData(byId("state"), "tone", answer.ok ? "good" : "bad");
  for (const id of ["figures", "picture-panel", "when-panel", "steps-panel"]) show(byId(id), answer.ok);
  if (!answer.ok) {
    say(byId("sentence"), "There is no such plan");
    say(byId("because"), answer.remedy ? `${answer.text}\nWhat to do: ${answer.remedy}` : answer.text);
    return;
  }
  const { costs } = answer;
  const ends = costs.end ? `, finished ${dayText(new Date(costs.end))} ${page.zone}` : "";
  say(byId("sentence"), costs.steps ? `A safe plan of ${costs.steps} steps${ends}` : "Nothing to do: every server that may change is at its goal");
  say(byId("because"), answer.leans_on.length ? `It leans on ${answer.leans_on.join(", ")}: a pilot looks first` : "");
  byId("figures").replaceChildren(...FIGURES.map(([key, text]) => {
    const more = costs[key] - page.saved[key];
    const difference = more ? ` (${more > 0 ? "+" : "−"}${number.format(Math.abs(Math.round(more * 10) / 10))})` : "";
    return make("div", {}, make("dt", {}, text), make("dd", { data: { figure: key } }, number.format(costs[key]), make("span", { class: "why" }, difference)));
  }));
  byId("steps").tBodies[0].replaceChildren(...answer.steps.map((step, index) =>
    make("tr", {}, make("td", { class: "number" }, String(index + 1)),
      make("td", {}, make("bdi", {}, step.id), make("div", { class: "why" }, make("bdi", {}, step.servers.join(", ") || `${step.probes} probes`))),
      make("td", {}, make("bdi", {}, step.reason)), make("td", { class: "number" }, String(step.minutes)))));
  byId("remarks").replaceChildren(...answer.remarks.map((remark) => make("li", {}, remark)));
  page.id = answer.id;
  draw();
}

function draw() {
  page.graph.show(`${page.id}/${byId("moment").value}.svg`);
  page.when.show(`${page.id}/when.svg`);
}

async function start() {
  await openSession();
  const scene = await get("/api/scene");
  say(byId("organization"), scene.organization);
  page.graph = new Picture(byId("graph"), (key) => `/api/what-if/${key}`);
  page.when = new Picture(byId("gantt"), (key) => `/api/what-if/${key}`);
  new Picture(byId("legend"), (key) => `/api/${key}`).show("legend.svg");
  const choices = await post("/api/what-if", { choices: true });
  fill(choices);
  const form = byId("question");
  let waiting;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(ask, WAIT); };
  form.addEventListener("input", later);
  form.addEventListener("reset", () => { fill(choices); later(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("moment").addEventListener("change", draw);
  await ask();
}

start().catch((error) => {
  setData(byId("state"), "tone", "bad");
  say(byId("sentence"), error.status === 401 ? "Sign in on the live page first" : "The page could not be opened");
  say(byId("because"), error.message);
});
