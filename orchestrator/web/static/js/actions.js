// Approve, pause, resume: asked for once more in a dialog, sent with the session's proof.

import { get, post, Refused, session, signIn } from "./api.js";
import { byId, say, show } from "./dom.js";

const WORDS = {
  approve: {
    title: "Approve this plan?",
    yes: "Approve",
    text: "The approval of this very plan is written to its journal. Nothing is begun by it: orchestrator apply asks no more.",
  },
  pause: {
    title: "Pause after this step?",
    yes: "Pause",
    text: "The step that runs is finished and verified; the run stops before the next one. Redirections stay as they are.",
  },
  resume: {
    title: "Resume?",
    yes: "Resume",
    text: "orchestrator resume is started: it reads the farm and refuses if anything moved meanwhile.",
  },
};

export class Actions {
  constructor(scene, onSignedIn) {
    this.scene = scene;
    this.can = {};
    for (const name of Object.keys(WORDS)) byId(name).addEventListener("click", () => this.ask(name));
    for (const button of document.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => button.closest("dialog").close());
    }
    byId("sign-in-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await signIn(byId("token").value.trim());
        byId("token").value = "";
        byId("sign-in").close();
        onSignedIn();
        if (this.next) this.ask(this.next);
      } catch (error) { say(byId("sign-in-refused"), error.message); }
    });
    byId("ask-form").addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    show(byId("actions"), scene.mode === "live");
  }

  update(standing) {
    this.can = standing.can;
    for (const name of Object.keys(WORDS)) {
      const possible = Boolean(standing.can[name]) && (name !== "resume" || session.can_resume);
      if (byId(name).disabled === possible) byId(name).disabled = !possible;
    }
    if (standing.can.resume && !session.can_resume) this.say("To resume: orchestrator resume at a terminal, or serve with -i INVENTORY");
    if (this.waiting && !standing.can[this.waiting]) { this.waiting = null; this.say(""); }
  }

  signIn(next = null) {
    this.next = next;
    say(byId("sign-in-refused"), "");
    byId("sign-in").showModal();
  }

  ask(name) {
    if (!session.signed_in) { this.signIn(name); return; }
    this.next = null;
    this.asked = name;
    say(byId("ask-title"), WORDS[name].title);
    say(byId("ask-text"), WORDS[name].text);
    say(byId("ask-yes"), WORDS[name].yes);
    say(byId("ask-digest"), this.scene.digest);
    show(byId("ask-digest-line"), name === "approve");
    say(byId("ask-refused"), "");
    byId("ask").showModal();
    byId("by").select();
  }

  async send() {
    byId("ask-yes").disabled = true;
    try {
      const answer = await post(`/api/${this.asked}`, { by: byId("by").value, digest: this.scene.digest });
      byId("ask").close();
      this.say(answer.said);
      this.waiting = this.asked;
      if (this.asked === "resume") this.watchResume();
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        session.signed_in = false;
        byId("ask").close();
        this.signIn(this.asked);
      } else say(byId("ask-refused"), error.remedy ? `${error.message}\n${error.remedy}` : error.message);
    } finally { byId("ask-yes").disabled = false; }
  }

  // A resume that refuses writes nothing to the journal before it has read the farm.
  async watchResume() {
    for (let tries = 0; tries < 120 && this.waiting === "resume"; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const { refusal } = await get("/api/resume").catch(() => ({ refusal: "" }));
      if (refusal) { this.waiting = null; this.say(refusal); return; }
    }
  }

  say(text) { say(byId("action-said"), text); }
}
