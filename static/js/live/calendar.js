/* The month: an event's entry in its day, by its start. A day shows five and folds others away; one of very many leads
   to its list, which follows along. */
import { say } from "./announce.js";
import { change, slideIn, slideOut } from "./change.js";
import { keepMine, parse, textOf } from "./html.js";
import { refresh, takePart, whenRefreshed } from "./refresh.js";

const SHOWN = 5;
const entryOf = (slug) => document.getElementById(`entry-${slug}`);
const titleOf = (entry) => textOf(entry.querySelector(".name"));

const update = (slug, html, status) => {
  const before = entryOf(slug).dataset.status;
  if (status !== before && entryOf(slug).matches("[data-mine]")) refresh("mine");
  change(`entry ${slug}`, () => entryOf(slug), (old) => keepMine(old, parse(html)), (entry) => {
    if (status === "cancelled" && before !== status) say("cancelled", titleOf(entry));
  });
};

const listIn = (cell) => {
  const list = cell.querySelector(".calendar-events") ?? document.createElement("ul");
  list.className = "calendar-events";
  if (!list.isConnected) cell.append(list);
  return list;
};

const arrive = (slug, cell, entry) => {
  if (cell.querySelector(".calendar-all")) return;
  const list = listIn(cell);
  if (list.children.length >= SHOWN || cell.querySelector("details")) return refresh("page");
  const later = [...list.children].find((each) => each.dataset.starts > entry.dataset.starts);
  list.insertBefore(entry, later ?? null);
  slideIn(`stay ${slug}`, entry, () => {
    cell.classList.remove("is-empty");
    slideOut("nothing", () => document.querySelector(".calendar-none"));
    if (entry.dataset.status === "listed") say("new", titleOf(entry));
  });
};

export const hearMonth = ({ slug, status, day, html }) => {
  const cell = document.querySelector(`.calendar-day[data-day="${day}"]`);
  if (status === "gone") slideOut(`stay ${slug}`, () => entryOf(slug));
  else if (entryOf(slug)) update(slug, html, status);
  else if (cell) arrive(slug, cell, parse(html));
};

whenRefreshed((page) => takePart(page, "calendar"));
