const on = (name, act) => addEventListener(name, act, true);
const each = (css, act) => document.querySelectorAll(css).forEach(act);
const idle = () => each("[aria-busy]", (it) => (it.ariaBusy = null));

function age(time) {
  // This clock may be wrong.
  time.born ??= Date.now() - time.dataset.age * 1e3;
  const minutes = ((Date.now() - time.born) / 6e4) | 0;
  const [n, unit] = minutes < 60 ? [minutes, "minute"] : [(minutes / 60) | 0, "hour"];
  time.textContent = n ? `${n} ${unit}${n > 1 ? "s" : ""} ago` : "just now";
}

function localise(time) {
  if (time.utc) return;
  const part = time.title ? "title" : "textContent";
  const date = new Date(time.dateTime);
  const [day, dateStyle] = Date().startsWith(date.toDateString()) ? ["today, "] : ["", "medium"];
  time.utc = time[part];
  time[part] = day + date.toLocaleString([], { dateStyle, timeStyle: "short" });
  time.title ||= time.utc;
}

function tick() {
  each("[data-age]", age);
  each("time", localise);
}

on("submit", (event) => {
  const button = event.submitter;
  if (!button.ariaBusy) return (button.ariaBusy = true);
  event.preventDefault();
  event.stopPropagation();
});
on("htmx:before:request", ({ detail }) => (detail.ctx.target.ariaBusy = true));
on("htmx:before:swap", (event) => {
  const { ctx, tasks: [{ fragment, target }, said] } = event.detail;
  const { lastElementChild: last, nextElementSibling: next } = target;
  ctx.near = () => last?.nextElementSibling ?? next;
  if (fragment.firstElementChild || said?.fragment.querySelector(".flash p")) return;
  // No part, no message: another page.
  event.preventDefault();
  const it = ctx.sourceElement;
  it.href ? (location = it.href) : it.submit();
});
on("htmx:after:swap", ({ detail }) => {
  tick();
  if (!document.querySelector(":focus")) detail.ctx.near()?.querySelector("a:not(.avatar)")?.focus();
});
on("htmx:error", () => each(".flash", (it) => (it.textContent = "That failed. Try again.")));
on("htmx:finally:request", idle);
on("pageshow", idle);
setInterval(tick, 2e4);
tick();
