// What Streamlit's widgets do not do by themselves: keys for the buttons, the set-up in the address, marks on fields
// with a wrong value, the focus kept on the buttons, a sidebar that makes room on a phone, and the page as a presentation.

const KEYS = { " ": "train", u: "phase", s: "step", e: "epoch", n: "reset", "?": "keys" };
const TYPING = "input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable=true]";
const PRESSABLE = "button, a, input, summary, label, [role=radio], [role=tab], [role=button], [role=slider], [tabindex='0']";
const FIELDS = ":is([class*=st-key-knob_], [class*=st-key-on_], [class*=st-key-formula_]) input";
const OPEN = "[data-testid=stDialog], [data-testid=stPopoverBody]";
const PHONE = matchMedia("(max-width: 640px)");

const state = (window.gandashPage ??= { held: null });

const buttonOf = (key) => [...document.querySelectorAll(`.st-key-${key} button`)].find((button) => button.offsetParent);

// ---------------------------------------------------------------------------------------------- keys

function pressKey(event) {
  const { key, target } = event;
  if (event.defaultPrevented || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest(TYPING) || document.querySelector("[role=dialog]")?.contains(target)) return;
  if (key === "t") return gandashTheme.turn();
  if (key === "p" && !document.querySelector(OPEN)) return show(!state.presenting);
  if (key === " " && target.closest(PRESSABLE)) return; // presses what has the focus, as everywhere
  const button = KEYS[key] && buttonOf(KEYS[key]);
  if (!button || document.querySelector("[data-testid=stDialog]")) return;
  event.preventDefault();
  if (COUNTED.includes(KEYS[key])) press(KEYS[key]);
  else button.click();
}

// ---------------------------------------------------------------------------------------------- presses

// Streamlit forgets a press where the page's script begins anew before it has answered it, and makes one of two. So presses
// are numbered, and told as a value that stays until the script has taken them (`presses.py`), in order; what is off by
// then was not to be pressed.
const COUNTED = ["train", "phase", "step", "epoch", "reset"];
const MOST_WAITING = 20;

function press(name) {
  if (document.querySelector("[data-testid=stApp]")?.dataset.testConnectionState !== "CONNECTED") return;
  const waiting = (state.presses ?? []).filter(({ book, number }) => book === state.book && number > state.taken);
  if (waiting.length >= MOST_WAITING) return;
  state.number = Math.max(state.number ?? 0, state.taken) + 1;
  const { book, number, run, taken: seen } = state;
  state.presses = [...waiting, { book, number, name, run, seen }];
  state.set("presses", JSON.stringify(state.presses));
  document.dispatchEvent(new CustomEvent("gandash-press", { detail: name }));
}

// Take the click on a button whose presses are counted.
function counts({ target, detail }) {
  const name = target.closest(".st-key-controls button") && COUNTED.find((each) => target.closest(`.st-key-${each}`));
  if (!name) return false;
  // the second click of a double click would undo the first: the button means something else by then
  if (name !== "train" || detail < 2) press(name);
  return true;
}

// ---------------------------------------------------------------------------------------------- light and dark

// Streamlit goes from light to dark by itself, and all that scripts of ours draw with it (`theme.js`). What there is to take
// home in the page's theme comes from the server, which is told of it once the page is seen.
function tellTheme() {
  const tell = () => state.page.isConnected && state.tell("theme", document.documentElement.dataset.theme);
  if (document.querySelector(".st-key-film_buttons")) requestAnimationFrame(() => setTimeout(tell));
}

// ---------------------------------------------------------------------------------------------- the address

// Each change would be a step of the browser's Back button if the server made it.
function writeAddress(name, value) {
  const address = new URL(location);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

// ---------------------------------------------------------------------------------------------- the presentation

// Picture, player and headline alone: the style sheet leaves out the rest. The address says so, for a refresh; each time
// that the server writes the address it has to be said anew.
const PRESENT = "present";

function show(wanted) {
  const presenting = wanted && Boolean(document.querySelector(".st-key-stage")); // no other page has a picture and a player
  state.presenting = presenting;
  document.documentElement.toggleAttribute("data-gandash-present", presenting);
  writeAddress(PRESENT, presenting ? "on" : "");
}

// In the phase in which events go down: what is open is still open then, and goes first.
function leave(event) {
  if (event.key === "Escape" && state.presenting && !document.querySelector(OPEN)) show(false);
}

function present() {
  const open = document.querySelector("[data-testid=stPopoverBody]");
  open?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  show(true);
  buttonOf("train")?.focus({ preventScroll: true });
}

// ---------------------------------------------------------------------------------------------- wrong fields

// A field is wrong where a sentence says so under it, in an element with the key `wrong_` and the field's own.
function markFields() {
  for (const field of document.querySelectorAll(FIELDS)) {
    const key = field.closest("[class*=st-key-knob_], [class*=st-key-on_], [class*=st-key-formula_]").className
      .match(/st-key-((?:knob|on|formula)_(\w+))/);
    const sentence = document.querySelector(`.st-key-wrong_${key[1]}`);
    if (sentence) {
      sentence.id = `wrong_${key[1]}`;
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", sentence.id);
    } else if (field.getAttribute("aria-describedby")?.startsWith("wrong_")) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    const mode = state.inputModes?.find(([name]) => name === key[2]);
    if (mode) field.inputMode = mode[1];
  }
}

// ---------------------------------------------------------------------------------------------- the focus

// A button that is off for a moment loses the focus, and one that goes away takes it along.
function keepFocus() {
  if (!state.held || document.activeElement !== document.body) return;
  const button = buttonOf(state.held) ?? buttonOf("train");
  if (button && !button.disabled) button.focus({ preventScroll: true });
}

const controlOf = (target) => target.closest?.(".st-key-controls [class*=st-key-]")?.className.match(/st-key-(\w+)/)[1] ?? null;

// ---------------------------------------------------------------------------------------------- a phone's sidebar

function makeRoom() {
  if (document.querySelector("[data-testid=stSidebar]")?.dataset.collapsed === "false")
    document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
}

// In the phase in which events go down: the widgets keep their clicks to themselves.
function clicked(event) {
  const { target } = event;
  if (counts(event)) {
    event.preventDefault();
    event.stopPropagation();
  } else if (target.closest(".st-key-present button")) {
    present();
  } else if (target.closest(".st-key-leave button")) {
    show(false);
  } else if (target.closest(".st-key-choose button")) {
    document.querySelector("[data-testid=stExpandSidebarButton]")?.click();
  } else if (PHONE.matches && target.closest(".st-key-knob_target label, .st-key-recipe button[role=radio]")) {
    setTimeout(makeRoom, 250); // ms, so that one sees what has been chosen
  }
}

// ----------------------------------------------------------------------------------------------

function begin() {
  if (PHONE.matches) makeRoom(); // Streamlit opens it again after a reload
  document.addEventListener("keydown", pressKey);
  document.addEventListener("keydown", leave, true);
  document.addEventListener("focusin", ({ target }) => (state.held = controlOf(target)));
  document.addEventListener("pointerdown", ({ target }) => (state.held = controlOf(target)));
  document.addEventListener("click", clicked, true);
  addEventListener("gandash-theme", tellTheme);
  new MutationObserver(keepFocus).observe(document.body, { subtree: true, attributeFilter: ["disabled"] });
  const aside = ({ target }) => target.closest?.("[data-testid=stSidebar], [data-testid=stPopoverBody], [role=dialog]");
  new MutationObserver((changes) => changes.some(aside) && markFields()).observe(document.body, {
    subtree: true,
    childList: true,
  });
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  if (!state.begun) begin();
  if (!state.page?.isConnected) state.presenting = new URL(location).searchParams.has(PRESENT); // another page was shown
  state.page = parentElement;
  state.tell = setTriggerValue;
  state.set = setStateValue;
  Object.assign(state, { begun: true, ...data });
  if (data.link !== null) writeAddress("setup", data.link);
  show(state.presenting);
  markFields();
  keepFocus();
  return () => setTimeout(() => parentElement.isConnected || document.documentElement.removeAttribute("data-gandash-present"));
}
