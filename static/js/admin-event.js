/* A new event starts in the device's time zone, unless the person's profile names another than UTC. */
const isNew = document.querySelector("#django-admin-form-add-constants[data-model-name]");
const zone = document.querySelector("select[name=time_zone]");
if (isNew && zone && zone.value === "UTC" && !document.querySelector(".errorlist")) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === here)) zone.value = here;
}
