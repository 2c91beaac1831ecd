// The moment of a run that somebody looks at: live, or a past epoch that is kept. One for all that show the run on a page.
//
// What is past is asked for once somebody goes there (`frames.py`), the nearest first. A moment changes when its points
// are there, so all who listen show the same epoch at the same time.

import { decode, points, take } from "./stream.js";

const BLOCK = 25; // epochs in a request
const RETRY_MS = 2000;
const REST_MS = 100; // at an epoch, until it is asked what is seen inside the run there
const moments = new Map(); // by address

// The moment of a run. `epoch` and `frame` ({epoch, points, words}) are what is shown, null while that is live; `wanted` is
// the epoch that was asked for, null for live; `views` is what is seen inside the run there, or at the nearest epoch whose
// networks are kept, as the stream's state has it, null until it comes and while nobody looks; `kept` are the epochs that there are, oldest first; `problem` says in words why
// the one that is wanted does not come.
export function moment(run, base = "") {
  const address = `${base} ${run}`;
  if (!moments.has(address)) moments.set(address, new Moment(run, base));
  return moments.get(address);
}

class Moment {
  constructor(run, base) {
    Object.assign(this, { run, base, kept: [], range: "", wanted: null, epoch: null, frame: null, problem: "" });
    Object.assign(this, { views: null, names: [], asked: "", seen: null });
    this.frames = new Map(); // by epoch: what has come
    this.listeners = new Set();
    this.loading = false;
  }

  // Have `listener` called after every change of the moment; returns what ends that.
  listen(listener) {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (!this.listeners.size) this.forget();
    };
  }

  // Nobody shows the run any more: who comes back begins live.
  forget() {
    moments.delete(`${this.base} ${this.run}`);
    Object.assign(this, { wanted: null, epoch: null, frame: null, views: null, asked: "", seen: null });
    this.frames.clear();
  }

  tell() {
    for (const listener of [...this.listeners]) {
      try {
        listener(this);
      } catch (error) {
        reportError(error);
      }
    }
  }

  // Take in what the stream says is kept, `[first, last, step]`.
  know(range) {
    const text = String(range ?? "");
    if (text === this.range) return;
    this.range = text;
    const [first, last, step] = range ?? [0, -1, 1];
    this.kept = Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
    if (this.wanted !== null && !this.kept.length) this.go(null);
    else this.tell();
  }

  // Show a past epoch, or with null what is live.
  go(epoch) {
    if (epoch === this.wanted && epoch === this.epoch) return;
    this.wanted = epoch;
    this.problem = "";
    this.settle();
    this.load();
  }

  // Show what is wanted if it is there.
  settle() {
    if (this.wanted === null || this.frames.has(this.wanted)) {
      this.epoch = this.wanted;
      this.frame = this.frames.get(this.wanted) ?? null;
    }
    this.see();
    this.tell();
  }

  // Have these views of the run as well, by the names that the stream knows, wherever it is looked at.
  look(names) {
    this.names = names;
    this.see();
  }

  // Ask for what is to be seen inside at the epoch that is shown, until it comes or something else is to be seen. What
  // was seen at this epoch stays until then.
  async see() {
    const [epoch, asked] = this.epoch === null || !this.names.length ? [null, ""] : [this.epoch, `epoch=${this.epoch}&views=${this.names}`];
    if (asked === this.asked) return;
    if (epoch !== this.seen) this.views = null;
    Object.assign(this, { asked, seen: epoch });
    let rest = REST_MS;
    while (asked) {
      await new Promise((done) => setTimeout(done, rest));
      if (asked !== this.asked) return;
      rest = RETRY_MS;
      try {
        const answer = await fetch(`${this.base}/frames/${encodeURIComponent(this.run)}/views?${asked}`);
        if (answer.status >= 500) continue; // nobody had the time
        const state = { views: null };
        if (answer.ok) take(state, decode(await answer.arrayBuffer()));
        if (asked !== this.asked) return;
        this.views = state.views;
        this.tell();
        return;
      } catch {
        // the server cannot be reached
      }
    }
  }

  // Ask for what is not there yet, what is near to the epoch that is wanted first, until all of it is.
  async load() {
    if (this.loading) return;
    this.loading = true;
    try {
      while (this.wanted !== null && this.listeners.size) {
        const far = (epoch) => Math.abs(epoch - this.wanted);
        const missing = [...new Set([this.wanted, ...this.kept])].filter((epoch) => !this.frames.has(epoch));
        if (!missing.length) break;
        await this.ask(missing.sort((one, other) => far(one) - far(other)).slice(0, BLOCK));
      }
    } catch {
      this.problem = "This epoch cannot be loaded now.";
      setTimeout(() => this.load(), RETRY_MS);
      this.tell();
    } finally {
      this.loading = false;
    }
  }

  async ask(epochs) {
    const sorted = [...epochs].sort((one, other) => one - other);
    const answer = await fetch(`${this.base}/frames/${encodeURIComponent(this.run)}?epochs=${sorted}`);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const { header, arrays } = decode(await answer.arrayBuffer());
    header.frames.forEach(({ epoch, words }, i) => {
      this.frames.set(epoch, { epoch, words, points: points(arrays.get(`frame:${i}`)) });
    });
    for (const epoch of epochs) if (!this.frames.has(epoch)) this.kept = this.kept.filter((each) => each !== epoch);
    if (this.wanted !== null && !this.frames.has(this.wanted) && epochs.includes(this.wanted)) {
      this.wanted = nearest(this.kept, this.wanted); // it was thinned out while it was asked for
    }
    this.problem = "";
    this.settle();
  }
}

// Of some epochs the one that is nearest to another; null if there are none.
export function nearest(epochs, epoch) {
  let found = null;
  for (const each of epochs) if (found === null || Math.abs(each - epoch) < Math.abs(found - epoch)) found = each;
  return found;
}

// What a page says at a moment: at a past epoch its own figures, and all else as it is now.
export function wordsAt({ frame }, words) {
  if (!frame || !words) return words;
  const tiles = words.tiles?.map((tile, i) => ({ ...tile, ...frame.words.tiles?.[i] })) ?? [];
  return { ...words, label: frame.words.label, tiles };
}
