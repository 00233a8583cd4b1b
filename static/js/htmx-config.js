/* htmx's settings are in <meta name="htmx-config">. This is what follows a swap: a polite word for screen readers,
   and the focus put back where the reader was. */
const speaker = document.querySelector("[data-announcer]");

const announce = (root) => {
  const said = root.querySelector("[data-announce]") || root.closest("[data-announce]");
  if (!speaker || !said) return;
  const words = (said.dataset.announce || said.textContent).replace(/\s+/g, " ").trim();
  speaker.textContent = "";
  window.setTimeout(() => { speaker.textContent = words; }, 60);
};

document.addEventListener("htmx:afterSettle", (event) => {
  const root = event.detail.elt;
  if (!(root instanceof Element)) return;
  announce(root);
  const lost = document.activeElement === null || document.activeElement === document.body;
  if (!lost) return;
  const next = root.matches("[data-focus]") ? root : root.querySelector("[data-focus]");
  if (!next) return;
  if (!next.hasAttribute("tabindex")) next.setAttribute("tabindex", "-1");
  next.focus({ preventScroll: true });
});

/* A redirect was followed: the answer is a whole page (the sign-in form, say). Go there; do not swap it in. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  if (!xhr.responseURL || !pathInfo) return;
  const asked = new URL(pathInfo.finalRequestPath || pathInfo.requestPath, window.location.href);
  const answered = new URL(xhr.responseURL);
  if (asked.pathname === answered.pathname) return;
  event.detail.shouldSwap = false;
  window.location.assign(answered.href);
});

/* No answer, or one that is not for this page: say so where everybody sees it. */
const trouble = document.querySelector("[data-trouble]");
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, () => {
    if (trouble) trouble.hidden = false;
    if (speaker && trouble) speaker.textContent = trouble.textContent.trim();
  });
}
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (trouble && event.detail.successful) trouble.hidden = true;
});
