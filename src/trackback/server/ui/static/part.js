// A part of a page, as the server writes it.

import { showTimes } from "./times.js";

export async function part(url) {
  const response = await fetch(url, { headers: { "hx-request": "true", accept: "text/html" } });
  const then = response.headers.get("hx-redirect");
  if (then) location.assign(then);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  showTimes(template.content);
  return template.content;
}
