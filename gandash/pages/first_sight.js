// The first sight of the Train page, until Streamlit has loaded and drawn the page itself. What it shows is at its place
// already, and Train counts: a press is carried out by the page's own button, as soon as that can be pressed.
(() => {
  const first = document.getElementById("gandash-first");
  const OTHERS = ["run", "class", "control", "embed", "present"]; // with one of these, the page begins with something else
  const WORDS = { soon: "The page is loading. You can press Train already.", pressed: "The run starts as soon as the page is there." };
  const WRONG = ".st-key-messages [data-testid=stAlert]"; // the page has something to say first, of a link it may be
  const LOOK_MS = 50;
  const WAIT_MS = 10000; // the longest that a press waits for all that would take it
  document.title = "gandash";
  const asked = new URLSearchParams(location.search);
  if (!location.pathname.endsWith("/") || OTHERS.some((name) => asked.has(name))) return first.remove();

  const [button, words] = ["button", "p"].map((name) => first.querySelector(name));
  let pressed = false;
  let latest = Infinity;

  // What Streamlit keeps of a browser's choices; one that keeps nothing may refuse to be asked.
  const kept = (name) => {
    try {
      return localStorage.getItem(name) ?? "";
    } catch {
      return "";
    }
  };
  first.toggleAttribute("data-collapsed", kept("stSidebarCollapsed-") === "true");
  first.style.setProperty("--sidebar", `${parseInt(kept("sidebarWidth"), 10) || 340}px`);
  words.textContent = WORDS.soon;
  first.hidden = false;

  const press = () => {
    if (pressed) return;
    pressed = true;
    button.setAttribute("aria-disabled", "true");
    button.lastElementChild.textContent = "Starting…";
    words.textContent = WORDS.pressed;
  };
  const pressKey = (event) => {
    if (event.key !== " " || event.target !== document.body) return;
    event.preventDefault();
    press();
  };

  // The page's own button, once there is one; what takes its presses comes a moment later (`browser.js`).
  const look = () => {
    const trains = [...document.querySelectorAll(".st-key-train button")];
    if (!trains.length && !document.querySelector("[role=dialog]")) return;
    if (pressed && trains.length && !trains[0].disabled) {
      latest = Math.min(latest, performance.now() + WAIT_MS);
      const taken = window.gandashPage?.set && document.querySelector("[data-test-connection-state=CONNECTED]");
      if (!taken && performance.now() < latest) return;
    }
    const focused = first.contains(document.activeElement);
    observer.disconnect();
    clearInterval(timer);
    removeEventListener("keydown", pressKey, true);
    first.remove();
    const seen = trains.find((train) => train.offsetParent);
    if (focused) seen?.focus();
    if (pressed && !document.querySelector(WRONG)) seen?.click();
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true, subtree: true });
  const timer = setInterval(look, LOOK_MS);
  button.addEventListener("click", press);
  addEventListener("keydown", pressKey, true);
})();
