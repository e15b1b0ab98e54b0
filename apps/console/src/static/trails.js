// Parts of a trail's page that take longer: what a link leads to is put in its place. Without script the link is followed.
{
  const put = async (link) => {
    const name = link.dataset.part;
    const place = document.getElementById(name);
    if (!place || place.getAttribute("aria-busy") === "true") return;
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(link.href, { credentials: "same-origin" });
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(name);
      if (!found) throw new Error("no such part");
      place.replaceWith(document.adoptNode(found));
      const said = document.querySelector(`[data-part-said="${name}"]`);
      const says = found.querySelector("[data-said], .notice, p");
      if (said && says) said.textContent = says.textContent;
    } catch {
      location.assign(link.href);
    }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-part]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    put(link);
  });
  document.addEventListener("toggle", (event) => {
    const link = event.target.matches("details[data-load]") && event.target.open && event.target.querySelector("a[data-part]");
    if (link) put(link);
  }, true);
}
