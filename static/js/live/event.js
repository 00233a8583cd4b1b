/* An event's own page: its panel with the one button, its head, and what else the server says of it. */
import { sayWords } from "./announce.js";
import { change } from "./change.js";
import { keepMine, parse, textOf } from "./html.js";
import { refresh } from "./refresh.js";

const stateOf = (panel) => [...panel.querySelectorAll(".panel-head > *")].map(textOf).join(". ");

export const hearEvent = ({ status, parts }) => {
  const page = document.querySelector(".event-page");
  if (!page) return;
  if (status === "gone") return refresh("page");
  // Mine without a ticket: an organiser's panel, whose button follows what only the server knows.
  const isOrganisers = page.querySelector("#panel[data-mine]:not(.panel-mine)") !== null;
  if (isOrganisers || (page.dataset.status !== status && page.querySelector("[data-mine]"))) refresh("mine");
  page.dataset.status = status;
  for (const [id, html] of Object.entries(parts)) {
    const find = () => document.getElementById(id);
    const before = find() ? stateOf(find()) : "";
    change(`part ${id}`, find, (old) => keepMine(old, parse(html)), (part) => {
      const state = stateOf(part);
      if (state && state !== before) sayWords(state);
    });
  }
};
