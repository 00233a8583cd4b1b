/* Nothing moves under a finger, a pointer or the focus: a change that would do so waits until they have left. */
const LEAVING = 150; // ms: from one part of a card to the next is not leaving
const AFTER_TOUCH = 700; // ms: a tap is over, and the page no longer glides
const waiting = new Map();
let finger = null;
let touches = false;
let timer = 0;

const pointed = () => (touches ? finger : [...document.querySelectorAll(":hover")].pop());

/* The focus counts where the content is: it may rest on a button in the footer for good. */
const attended = () =>
  [document.activeElement, pointed()].filter((it, place) => it?.isConnected && (place || it.closest("main")));

const isSeen = (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
};

/* Somebody is inside it, writes a note in it, or it is being sent. A single link outlives a change of what it says. */
export const isHeld = (element) =>
  !element.matches("a") &&
  (attended().some((it) => element.contains(it)) ||
    element.querySelector("details[open], .htmx-request") !== null ||
    element.closest(".htmx-request") !== null);

/* Somebody is at something below it, which would move if its height changed. */
export const pushes = (element) =>
  attended().some(
    (it) => element.compareDocumentPosition(it) === Node.DOCUMENT_POSITION_FOLLOWING && isSeen(it),
  );

const release = () => {
  timer = 0;
  for (const [key, { isFree, act }] of [...waiting]) {
    if (!isFree()) continue;
    waiting.delete(key);
    act();
  }
};

const releaseSoon = () => {
  if (waiting.size && !timer) timer = window.setTimeout(release, LEAVING);
};

/* `act()` as soon as `isFree()`. A newer change under the same key takes the place of one that waits. */
export const whenFree = (key, isFree, act) => {
  waiting.delete(key);
  if (isFree()) act();
  else waiting.set(key, { isFree, act });
};

const lift = () => {
  const lifted = finger;
  window.setTimeout(() => {
    if (finger === lifted) finger = null;
    releaseSoon();
  }, AFTER_TOUCH);
};

const listen = (names, act) => {
  for (const name of names) document.addEventListener(name, act, { capture: true, passive: true });
};

// A browser goes on saying that a finger hovers where it was last.
listen(["pointerover"], (event) => { touches = event.pointerType === "touch"; });
listen(["touchstart"], (event) => { finger = event.target; });
listen(["touchend", "touchcancel"], lift);
listen(["pointerout", "focusout", "scroll", "toggle", "htmx:afterSettle", "htmx:afterRequest"], releaseSoon);
