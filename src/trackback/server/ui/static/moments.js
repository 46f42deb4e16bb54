// The slider over the times at which something changed. It only goes to the page of a time, as the links beside it do.

import { local, showTimes } from "./times.js";

let asked = 0;

function timesOf(slider) {
  return slider.dataset.times ? slider.dataset.times.split(" ") : [];
}

function chosen(slider) {
  return timesOf(slider)[slider.valueAsNumber] ?? "";
}

function say(slider) {
  const time = chosen(slider);
  slider.setAttribute("aria-valuetext", time ? local(new Date(time)) : "now");
}

function urlAt(time) {
  const url = new URL(location.href);
  url.searchParams.delete("page_token");
  if (time) url.searchParams.set("at", time);
  else url.searchParams.delete("at");
  return url;
}

async function show(slider) {
  const url = urlAt(chosen(slider));
  const number = (asked += 1);
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (number !== asked || !fresh) return;
  history.replaceState(null, "", url);
  document.querySelector("#moments [name=at]").value = url.searchParams.get("at") ?? "";
  const live = document.getElementById("live");
  // The slider itself stays, as the reader's hand is on it: only what is around it is replaced.
  const kept = live.querySelector(".slider");
  const holdsFocus = kept.contains(document.activeElement); // which to be moved takes away
  fresh.querySelector(".slider")?.replaceWith(kept);
  live.replaceWith(fresh);
  if (holdsFocus) kept.querySelector("input").focus();
  showTimes(fresh);
}

for (const slider of document.querySelectorAll(".slider input")) {
  slider.parentElement.hidden = false;
  say(slider);
  let waiting = 0;
  slider.addEventListener("input", () => {
    say(slider);
    clearTimeout(waiting);
    waiting = setTimeout(() => show(slider), 120);
  });
}
