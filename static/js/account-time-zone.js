// Tells sign-up the browser's time zone. The server leaves out a name it does not know.
const field = document.querySelector("[data-time-zone-field]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (field && zone && !field.value) field.value = zone;
