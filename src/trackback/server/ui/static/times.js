// Times are written in UTC by the server. Here they become the reader's, in the same form and width.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
const clock = new Intl.DateTimeFormat("sv-SE", {
  timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const distance = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const steps = [[60, "second"], [60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [Infinity, "year"]];

// 2026-11-23 16:15:44, where the reader is.
export function local(date) {
  return clock.format(date);
}

export function since(date) {
  let amount = (date - Date.now()) / 1000;
  for (const [size, unit] of steps) {
    if (Math.abs(amount) < size) return distance.format(Math.round(amount), unit);
    amount /= size;
  }
}

export function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    element.dataset.local = "";
    if (element.classList.contains("ago")) {
      element.title = `${local(date)} ${zone}\n${element.title}`;
      element.textContent = since(date);
    } else {
      element.title = `${since(date)}\n${element.title}`;
      element.textContent = local(date);
    }
  }
  for (const element of root.querySelectorAll(".zone")) element.textContent = zone;
}

setInterval(() => {
  for (const element of document.querySelectorAll("time.ago[data-local]")) element.textContent = since(new Date(element.dateTime));
}, 20_000);
