/* From the HTML of a frame to nodes, and from one state of an element to the next: nodes are kept where they can be, so
   that pictures do not flicker and a press on a button is not lost. */
// What scripts add to the server's HTML, and what is another in each answer.
const ADDED = "[name=csrfmiddlewaretoken], .local-time";
const OWN = ["hx-headers", "data-announce", "data-focus", "data-local-time-done", "tabindex"];
const BADGES = ".badge-few, .badge-full";
const COUNTDOWN = "[data-countdown-to]";

export const parse = (html) => {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content.firstElementChild;
};

/* What a screen reader says of it. */
export const textOf = (element) => {
  const copy = element?.cloneNode(true);
  for (const silent of copy?.querySelectorAll("[aria-hidden=true]") ?? []) silent.remove();
  return (copy?.textContent ?? "").replace(/\s+/g, " ").trim();
};

/* A public frame has no CSRF token: the page's own goes into its forms. */
export const withTokens = (element) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]");
  for (const form of element.querySelectorAll("form[method=post]")) {
    if (token && !form.querySelector("[name=csrfmiddlewaretoken]")) form.prepend(token.cloneNode());
  }
  return element;
};

/* `fresh` with what the page has done to `old`: tokens, the time counted so far, and that it is hidden as yet. */
export const inPlaceOf = (old, fresh) => {
  const [counted, next] = [old, fresh].map((each) => each.querySelector(COUNTDOWN));
  if (counted && next) next.textContent = counted.textContent;
  fresh.hidden = old.hidden;
  return withTokens(fresh);
};

/* What is mine on the page stays as it is in `fresh`, which is made for nobody: only the badge is everybody's. */
export const keepMine = (old, fresh) => {
  let kept = fresh;
  for (const mine of old.matches("[data-mine]") ? [old] : old.querySelectorAll("[data-mine]")) {
    const said = fresh.id === mine.id ? fresh : fresh.querySelector(`#${CSS.escape(mine.id)}`);
    if (!said) continue;
    const copy = mine.cloneNode(true);
    for (const badge of copy.querySelectorAll(BADGES)) badge.remove();
    for (const badge of said.querySelectorAll(BADGES)) (copy.querySelector(".panel-head") ?? copy).append(badge);
    if (said === fresh) kept = copy;
    else said.replaceWith(copy);
  }
  return kept;
};

const plain = (element) => {
  const copy = element.cloneNode(true);
  for (const added of copy.querySelectorAll(ADDED)) added.remove();
  for (const part of [copy, ...copy.querySelectorAll("*")]) for (const name of OWN) part.removeAttribute(name);
  return copy.outerHTML.replace(/\s+/g, " ").replace(/> </g, "><");
};

/* The server said the same of both. */
export const isSame = (old, fresh) => plain(old) === plain(fresh);

/* The same elements in the same places, leading to the same: only words differ. */
export const isAlike = (old, fresh) =>
  old.nodeName === fresh.nodeName &&
  old.getAttribute?.("href") === fresh.getAttribute?.("href") &&
  old.childNodes.length === fresh.childNodes.length &&
  [...old.childNodes].every((child, place) => isAlike(child, fresh.childNodes[place]));

/* Make `old` say what `fresh` says; `replaced(element)` is told whose children are new ones. */
export const morph = (old, fresh, replaced) => {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [children, said] = [[...old.childNodes], [...fresh.childNodes]];
  const isShaped = children.length === said.length &&
    children.every(({ nodeName }, place) => nodeName === said[place].nodeName);
  if (!isShaped) {
    old.replaceChildren(...said);
    replaced(old);
    return;
  }
  for (const [place, child] of children.entries()) {
    if (child.nodeType === Node.ELEMENT_NODE) morph(child, said[place], replaced);
    else if (child.data !== said[place].data) child.data = said[place].data;
  }
};
