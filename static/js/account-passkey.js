// Shows what needs passkeys where the browser has them, and says so when one was not used.
if (window.PublicKeyCredential) {
  for (const element of document.querySelectorAll("[data-passkey]")) {
    element.hidden = false;
  }
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const notice = document.querySelector("[data-passkey-error]");
  if (notice) notice.hidden = false;
});
