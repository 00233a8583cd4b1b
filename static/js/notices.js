/* Following an unread notice also marks it as read: its form is sent, which leads to the same page.
   Opened in another tab, the link leads there by itself and the form is sent beside it. */
const formOf = (event) => {
  const link = event.target.closest(".notices a[data-opens]");
  return link ? document.getElementById(link.dataset.opens) : null;
};

const elsewhere = (event) => event.ctrlKey || event.metaKey || event.shiftKey || event.button === 1;

const follow = (event) => {
  const form = formOf(event);
  if (!form || event.button > 1) return;
  if (elsewhere(event)) {
    fetch(form.action, { method: "POST", body: new FormData(form), keepalive: true, redirect: "manual" });
    return;
  }
  event.preventDefault();
  form.submit();
};

/* On the document, because a live page replaces the list. */
document.addEventListener("click", follow);
document.addEventListener("auxclick", follow);
