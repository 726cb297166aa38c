// Applies the look that follows the device before anything is painted; a chosen look is already in the page.
(() => {
  const root = document.documentElement;
  const device = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const look = root.dataset.look;
    root.dataset.bsTheme = look === "dark" || (look !== "light" && device.matches) ? "dark" : "light";
  };
  apply();
  device.addEventListener("change", apply);
  window.addEventListener("bihuan:look", apply);
})();
