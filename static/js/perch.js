// Livelier pages, beside what htmx does.
const on = (name, act) => addEventListener(name, act, true);
const all = (selector, act) => document.querySelectorAll(selector).forEach(act);
const [clock, full] = [undefined, "medium"].map(
  (dateStyle) => new Intl.DateTimeFormat([], { dateStyle, timeStyle: "short" }),
);
const free = () => all("[aria-busy]", (busy) => (busy.ariaBusy = null));

function age(time) {
  // The clock here may be wrong.
  time.born ??= Date.now() - time.dataset.age * 1000;
  const minutes = ((Date.now() - time.born) / 6e4) | 0;
  const [n, unit] = minutes < 60 ? [minutes, "minute"] : [(minutes / 60) | 0, "hour"];
  time.textContent = n ? `${n} ${unit}${n > 1 ? "s" : ""} ago` : "just now";
}

function localise(time) {
  if (!time.textContent.endsWith("UTC")) return;
  const date = new Date(time.dateTime);
  const isToday = date.toDateString() === new Date().toDateString();
  time.title = time.textContent;
  time.textContent = (isToday ? clock : full).format(date);
}

function tick() {
  all("[data-age]", age);
  all("time", localise);
}

on("submit", (event) => {
  const button = event.submitter;
  if (!button.ariaBusy) return (button.ariaBusy = "true");
  event.preventDefault();
  event.stopPropagation();
});
on("htmx:before:swap", (event) => {
  const { ctx, tasks: [{ fragment, target }, said] } = event.detail;
  const { lastElementChild: last, nextElementSibling: next } = target;
  ctx.near = () => last?.nextElementSibling ?? next;
  if (fragment.firstElementChild || said?.fragment.querySelector(".flash p")) return;
  // No part and no word: another page.
  event.preventDefault();
  const it = ctx.sourceElement;
  it.href ? (location = it.href) : it.submit();
});
on("htmx:after:swap", ({ detail }) => {
  tick();
  if (!document.querySelector(":focus")) detail.ctx.near()?.querySelector("a")?.focus();
});
on("htmx:error", () => all(".flash", (it) => (it.textContent = "That failed. Try again.")));
on("htmx:finally:request", free);
on("pageshow", free);
setInterval(tick, 2e4);
tick();
