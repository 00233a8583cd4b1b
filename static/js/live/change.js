/* Changes of the page, each as soon as it disturbs nobody: an element says something else, comes, or goes. */
import { isHeld, pushes, whenFree } from "./hold.js";
import { inPlaceOf, isAlike, isSame, morph, withTokens } from "./html.js";

const MOTION = { duration: 180, easing: "ease-out" };
const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");

const settle = (element) => {
  if (window.htmx) window.htmx.process(element);
  document.dispatchEvent(new CustomEvent("live:settle"));
};

const fade = (element) => {
  if (!stillness.matches) element.animate([{ opacity: 0.3 }, { opacity: 1 }], MOTION);
};

/* Whether `fresh` would take as much room as `old`. */
const fits = (old, fresh) => {
  const heights = [old, fresh].map((element) => {
    const probe = element.cloneNode(true);
    probe.style.cssText = `position: absolute; visibility: hidden; width: ${old.offsetWidth}px`;
    old.after(probe);
    const height = probe.offsetHeight;
    probe.remove();
    return height;
  });
  return heights[0] === heights[1];
};

/* Turn the element that `find()` gives into what `desired(it)` says by then. */
export const change = (key, find, desired, after = () => {}) => {
  const wanted = () => {
    const old = find();
    const fresh = old && inPlaceOf(old, desired(old));
    return old && !isSame(old, fresh) ? [old, fresh] : null;
  };
  const disturbs = ([old, fresh]) =>
    (isHeld(old) && !isAlike(old, fresh)) || (pushes(old) && !fits(old, fresh));
  const isFree = () => {
    const both = wanted();
    return !both || !disturbs(both);
  };
  whenFree(key, isFree, () => {
    const [old, fresh] = wanted() ?? [];
    if (!old) return;
    morph(old, fresh, fade);
    settle(old);
    after(old);
  });
};

const open = (element) => ({ height: `${element.offsetHeight}px`, overflowY: "clip" });

const shut = (element) => {
  const gap = parseFloat(getComputedStyle(element.parentElement).rowGap) || 0;
  return { height: "0px", marginBottom: `${-gap}px`, opacity: 0, overflowY: "clip" };
};

const slide = (element, frames, end) => {
  if (stillness.matches) end();
  else element.animate(frames, MOTION).finished.then(end, end);
};

/* `element` is in its place and comes into view. */
export const slideIn = (key, element, after) => {
  element.hidden = true;
  whenFree(key, () => !pushes(element), () => {
    if (!element.isConnected) return;
    element.hidden = false;
    settle(withTokens(element));
    slide(element, [shut(element), open(element)], () => {});
    after(element);
  });
};

/* What `find()` gives by then goes. */
export const slideOut = (key, find, after = () => {}) => {
  const isFree = () => {
    const element = find();
    return !element || element.hidden || (!isHeld(element) && !pushes(element));
  };
  whenFree(key, isFree, () => {
    const element = find();
    if (!element) return;
    slide(element, [open(element), shut(element)], () => {
      element.remove();
      after();
    });
  });
};
