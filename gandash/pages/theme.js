// Light or dark as somebody chose it, which this browser keeps. Streamlit follows the system by itself, whatever it shows
// and without a reload, and knows of it by `matchMedia` alone. So that tells it of the choice instead, where there is one:
// this is in the page before Streamlit's own scripts.
(() => {
  const DARK = "(prefers-color-scheme: dark)";
  const KEPT = "gandash-theme";
  const THEMES = ["light", "dark"];
  const ask = window.matchMedia.bind(window);
  const [system, told] = [ask(DARK), ask(DARK)];

  // One that keeps nothing may refuse to be asked.
  const storage = (use) => {
    try {
      return use(localStorage);
    } catch {
      return null;
    }
  };

  // What was chosen in an earlier version is with Streamlit, which would no longer follow.
  const adopt = () =>
    storage((kept) => {
      const streamlits = `stActiveTheme-${location.pathname}-v2`;
      const chosen = THEMES.find((theme) => kept.getItem(streamlits)?.toLowerCase() === `"${theme}"`);
      if (!chosen) return;
      kept.removeItem(streamlits);
      if (!kept.getItem(KEPT)) kept.setItem(KEPT, chosen);
    });

  const isTheme = (theme) => (THEMES.includes(theme) ? theme : null);
  adopt();
  let chosen = isTheme(storage((kept) => kept.getItem(KEPT)));

  Object.defineProperty(told, "matches", { get: () => (chosen ? chosen === "dark" : system.matches) });
  // The system's own word is passed on as a choice is: the page then turns in this very frame, not in the one after it.
  told.addEventListener("change", (event) => {
    if (!event.isTrusted) return;
    event.stopImmediatePropagation();
    if (!chosen) tell(event.matches);
  });
  window.matchMedia = (query) => (query === DARK ? told : ask(query));

  const tell = (matches) => told.dispatchEvent(new MediaQueryListEvent("change", { media: DARK, matches }));
  const choose = (theme) => {
    const before = told.matches;
    chosen = theme;
    if (told.matches !== before) tell(!before);
  };
  addEventListener("storage", ({ key, newValue }) => key === KEPT && choose(isTheme(newValue))); // in another tab
  const [, given] = /[?&]embed_options=(light|dark)_theme\b/i.exec(location.search) ?? []; // the address says which it is
  window.gandashTheme = {
    turn() {
      if (given) return;
      choose(told.matches ? "light" : "dark");
      storage((kept) => kept.setItem(KEPT, chosen));
    },
  };

  // What the page shows: style sheets know it by this, and charts are told of it in the frame in which Streamlit turns. Not
  // asked of Streamlit's own style, which the browser would have to work out twice then.
  const show = () => {
    const theme = given?.toLowerCase() ?? (told.matches ? "dark" : "light");
    if (document.documentElement.dataset.theme === theme) return;
    document.documentElement.dataset.theme = theme;
    dispatchEvent(new Event("gandash-theme"));
  };
  show();
  new MutationObserver((_, waiting) => {
    const app = document.querySelector("[data-testid=stApp]");
    if (!app) return;
    waiting.disconnect();
    new MutationObserver(show).observe(app, { attributeFilter: ["class"] });
  }).observe(document, { childList: true, subtree: true });
})();
