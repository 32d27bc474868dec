// The composer's top edge is the clock: it moves twice a minute, speaks at four hours, one hour and the end.
import { announce } from "./parts.js";
import { refreshTalk } from "./live.js";

const words = (minutes) => {
  if (minutes >= 48 * 60) return `${Math.floor(minutes / 1440)} days left`;
  const hours = Math.floor(minutes / 60), rest = minutes % 60;
  return `${[hours && `${hours} h`, (rest || !hours) && `${rest} min`].filter(Boolean).join(" ")} left`;
};

export default function (form) {
  if (!form.dataset.closes) return;
  const closes = Date.parse(form.dataset.closes), began = Date.now(), share = Number(form.dataset.share);
  let before = Infinity;
  const timer = setInterval(() => {
    if (!form.isConnected) return clearInterval(timer);
    const minutes = Math.max(0, Math.floor((closes - Date.now()) / 60000));
    form.querySelector("[data-left]").textContent = words(minutes);
    form.querySelector(".meter .v").setAttribute("x2", String(Math.max(0, (share * (closes - Date.now())) / (closes - began))));
    for (const mark of [240, 60, 0]) if (before > mark && minutes <= mark && before !== Infinity) announce(words(minutes));
    before = minutes;
    if (minutes === 0) { clearInterval(timer); refreshTalk(); }
  }, 30000);
}
