/* What is mine alone: the bell, an organiser's counts. What I do in another tab or on another device comes as a new
   state of `mine`; my parts of the page are then fetched. */
import { sayWords } from "./announce.js";
import { change } from "./change.js";
import { parse, textOf } from "./html.js";
import { refresh } from "./refresh.js";

const JUST_NOW = 2_000;
let known = "";
let actedAt = 0;

const bellSays = () => textOf(document.getElementById("bell"));

const takeParts = (parts) => {
  for (const [id, html] of Object.entries(parts)) {
    const desired = (old) => {
      const fresh = parse(html);
      const current = old.getAttribute("aria-current"); // where the reader is, which the frame does not know
      if (current) fresh.setAttribute("aria-current", current);
      return fresh;
    };
    change(`part ${id}`, () => document.getElementById(id), desired);
  }
};

export const hearOrganised = ({ parts }) => takeParts(parts);

export const hearMine = (state) => {
  const said = JSON.stringify(state);
  const before = bellSays();
  takeParts(state.parts);
  // The first state after loading is new if the page, perhaps from the browser's cache, shows another.
  const isNew = known ? said !== known : bellSays() !== before;
  known = said;
  if (!isNew) return;
  if (state.unread && bellSays() !== before) sayWords(bellSays());
  if (Date.now() - actedAt > JUST_NOW) refresh("mine");
};

for (const name of ["htmx:beforeRequest", "htmx:afterRequest"]) {
  document.addEventListener(name, ({ detail }) => {
    if (detail.requestConfig.verb !== "get") actedAt = Date.now();
  });
}
