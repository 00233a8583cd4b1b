/* What only the server can know of a page: it is fetched again, and its parts are taken over where they differ. */
import { change } from "./change.js";

/* data-live-part says when a part is taken over: with what is mine, or with the page. Seconds over which browsers that
   were told the same thing spread. */
const SPREAD = { mine: 2, page: 8 };
const takers = [];
let due = 0;
let timer = 0;
let isRunning = false;
let isPageWanted = false;
let lastAt = 0;

export const takePart = (page, id) => {
  const fresh = page.getElementById(id);
  if (fresh) change(`part ${id}`, () => document.getElementById(id), () => fresh.cloneNode(true));
};

const takeParts = (page, kind) => {
  for (const { id } of document.querySelectorAll(`[data-live-part="${kind}"][id]`)) takePart(page, id);
};

const run = async () => {
  timer = 0;
  if (isRunning) return schedule(Date.now() + 1000);
  const kind = isPageWanted ? "page" : "mine";
  isPageWanted = false;
  isRunning = true;
  lastAt = Date.now();
  try {
    const answer = await fetch(window.location.href, { cache: "no-store" });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      takeParts(page, "mine");
      if (kind === "page") for (const taker of takers) taker(page);
    }
  } catch {
    // No answer: the page stays as it is.
  }
  isRunning = false;
};

const schedule = (at) => {
  if (timer && due <= at) return;
  window.clearTimeout(timer);
  due = at;
  timer = window.setTimeout(run, at - Date.now());
};

/* Fetch the page soon: its parts that are "mine", or the whole "page". */
export const refresh = (kind) => {
  const spread = SPREAD[kind] * 1000;
  if (kind === "page") isPageWanted = true;
  schedule(Math.max(Date.now() + Math.random() * spread, lastAt + 2 * spread));
};

/* `taker(page)` is called with a page that was fetched as a whole. */
export const whenRefreshed = (taker) => takers.push(taker);
