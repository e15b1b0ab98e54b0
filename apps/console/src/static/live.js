// What happens, as it happens. What is told is text, never markup.
document.addEventListener("DOMContentLoaded", () => {
  const LINES_MAX = 50;
  for (const panel of document.querySelectorAll("section[data-live]")) {
    const status = panel.querySelector(".live-status");
    const lines = panel.querySelector(".live-lines");
    const stream = new EventSource(panel.dataset.live);
    let seen = false;
    const say = (text) => { if (status.textContent !== text) status.textContent = text; };
    const add = (told, bad) => {
      const line = document.createElement("li");
      const time = document.createElement("time");
      time.dateTime = time.textContent = told.time;
      line.append(time, " ", told.text);
      if (bad) line.className = "bad";
      lines.prepend(line);
      while (lines.children.length > LINES_MAX) lines.lastChild.remove();
    };
    // The first of each kind is read aloud, and stays.
    const first = (kind, time, text) => {
      const place = panel.querySelector(`[data-first="${kind}"] span`);
      if (!place || place.dataset.done || !time) return;
      place.dataset.done = place.textContent = `${time} ✓`;
      if (text) say(text);
    };
    const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
    panel.hidden = false;
    on("begin", (told) => say(told.text));
    on("event", (told) => {
      add(told, told.error);
      first("event", told.time, told.text);
      if (!seen) say(told.text);
      seen = true;
    });
    on("trail", (told) => { for (const kind of ["LogFile", "Digest"]) first(kind, told[kind]); });
    on("delivery", (told) => {
      add(told, told.error);
      if (told.error) say(told.text); else first(told.kind, told.time, told.text);
    });
    on("lost", (told) => say(told.text));
    on("over", (told) => { say(told.text); stream.close(); });
    stream.onerror = () => say(stream.readyState === EventSource.CLOSED ? panel.dataset.refused : panel.dataset.lost);
  }
});
