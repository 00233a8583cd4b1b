/* Following an unread notice also marks it as read: its form is sent, which leads to the same page.
   Opened in another tab, the link leads there by itself and the form is sent beside it. */
const list = document.querySelector(".notices");

const formOf = (event) => {
  const link = event.target.closest("a[data-opens]");
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

if (list) {
  list.addEventListener("click", follow);
  list.addEventListener("auxclick", follow);
}
