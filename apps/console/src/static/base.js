// What every page may use. Pages work without it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const text = button.parentElement.querySelector("code").textContent;
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = button.dataset.copy;
  setTimeout(() => { button.textContent = before; }, 2000);
});
document.addEventListener("DOMContentLoaded", () => {
  if (navigator.clipboard) for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
});
