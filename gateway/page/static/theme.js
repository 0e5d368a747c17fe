// Light or dark: as the system is, until somebody chooses. Runs before the page is painted.
(() => {
  const key = "kairos-page.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const theme = () => chosen() ?? (system.matches ? "dark" : "light");
  const show = () => {
    document.documentElement.dataset.theme = theme();
    const button = document.getElementById("theme");
    if (button) button.textContent = theme() === "dark" ? "Light" : "Dark";
    button?.setAttribute("aria-label", theme() === "dark" ? "Use light colours" : "Use dark colours");
  };
  show();
  system.addEventListener("change", show);
  addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", () => {
      try { localStorage.setItem(key, theme() === "dark" ? "light" : "dark"); } catch { return; }
      show();
    });
  });
})();
