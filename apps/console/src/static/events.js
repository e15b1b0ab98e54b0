// The list of events. The next come when its end comes in sight; rows far outside are taken out, and come again when they come near.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table[data-events]");
  if (!table || !table.tBodies.length) return;
  const KEPT_MAX = 20;
  const status = document.querySelector("[data-events-status]");
  const kept = new Map();
  const places = new WeakMap();
  let total = 0;
  let loading = false;

  const part = (place) => `${place}${place.includes("?") ? "&" : "?"}part=rows`;
  const read = async (place) => {
    const answer = await fetch(part(place), { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!told.querySelector("tbody")) throw new Error("no rows");
    return told;
  };
  const number = (body, first) => {
    let at = first;
    for (const row of body.rows) row.setAttribute("aria-rowindex", String(at++));
  };
  const adopt = (body, place) => {
    const first = total + 2;
    places.set(body, { place, first });
    number(body, first);
    total += body.rows.length;
    near.observe(body);
  };

  const isInUse = (body) => body.contains(document.activeElement) || document.getSelection().containsNode(body, true) && !document.getSelection().isCollapsed;
  const takeOut = (body) => {
    if (body.dataset.out || isInUse(body) || !body.rows.length) return;
    const height = body.getBoundingClientRect().height;
    const place = places.get(body).place;
    kept.delete(place);
    kept.set(place, body.innerHTML);
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value);
    const cell = document.createElement("td");
    cell.colSpan = table.tHead.rows[0].cells.length;
    cell.style.height = `${height}px`;
    cell.textContent = table.dataset.again;
    const row = document.createElement("tr");
    row.className = "out";
    row.append(cell);
    body.replaceChildren(row);
    body.dataset.out = "1";
  };
  const bringBack = async (body) => {
    if (body.dataset.out !== "1") return;
    const { place, first } = places.get(body);
    if (kept.has(place)) {
      body.innerHTML = kept.get(place);
    } else {
      body.dataset.out = "coming";
      try {
        const told = await read(place);
        body.replaceChildren(...told.querySelector("tbody").rows);
      } catch {
        body.dataset.out = "1";
        return;
      }
    }
    delete body.dataset.out;
    number(body, first);
  };
  const near = new IntersectionObserver((seen) => {
    for (const one of seen) if (one.isIntersecting) bringBack(one.target); else takeOut(one.target);
  }, { rootMargin: "2000px 0px" });

  const load = async (link, byHand) => {
    if (loading) return;
    loading = true;
    table.setAttribute("aria-busy", "true");
    try {
      const told = await read(link.href);
      const body = document.adoptNode(told.querySelector("tbody"));
      table.append(body);
      adopt(body, link.href);
      link.closest("[data-more]").replaceWith(document.adoptNode(told.querySelector("[data-more]")));
      status.textContent = `${table.dataset.status} ${total}`;
      const first = body.querySelector("a");
      if (byHand && first) first.focus();
      watch();
    } catch {
      // As without script.
      end.disconnect();
      if (byHand) location.assign(link.href);
    } finally {
      loading = false;
      table.removeAttribute("aria-busy");
    }
  };
  const end = new IntersectionObserver((seen) => {
    for (const one of seen) if (one.isIntersecting) load(one.target, false);
  }, { rootMargin: "800px 0px" });
  const watch = () => {
    end.disconnect();
    const link = document.querySelector("[data-more] a[data-auto]");
    if (link) requestAnimationFrame(() => end.observe(link));
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-more] a[rel=next]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load(link, true);
  });
  table.setAttribute("aria-rowcount", "-1");
  adopt(table.tBodies[0], location.href.split("#")[0]);
  watch();
});

// New events are announced above the list; what is read stays where it is.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("[data-new-events]");
  if (!place || !window.EventSource) return;
  const button = place.querySelector("a");
  const stream = new EventSource(place.dataset.newEvents);
  let count = 0;
  let timer = null;
  const say = () => {
    timer = null;
    button.textContent = count === 1 ? button.dataset.one : button.dataset.many.replace("{n}", String(count));
    button.hidden = false;
  };
  stream.addEventListener("event", () => {
    count += 1;
    timer ??= setTimeout(say, count === 1 ? 0 : 2000);
  });
  stream.addEventListener("over", () => stream.close());
});
