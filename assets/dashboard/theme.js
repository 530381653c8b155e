// Sets the theme that the reader chose before anything is painted; without a choice the system's holds.
// A classic script in the head: a module would run after the first paint.

(() => {
  try {
    const chosen = JSON.parse(localStorage.getItem("agentmap.theme")); // as core/storage.js writes it
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is forbidden, or holds what this dashboard did not write.
  }
})();
