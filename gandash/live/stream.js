// The stream of a run, as `messages.py` describes it: one WebSocket for all who watch a run on a page. It comes back by
// itself when it is cut off, and goes on where it was.

const MAGIC = 0x00014447; // "GD", 1, 0
const MOST_POINTS = 2000; // of a curve, after it was thinned; it is thinned when it has twice as many
const MOST_FRAMES = 8;
const WAITS = [500, 5000]; // ms until the next try to connect, the first and the longest
const REFUSED = 1008;
const ACTIVE = ["waiting", "starting", "running"];
const LOOK_MS = 60; // to wait for more switches before it is asked for other views
const OUTDATED = "This page and the server are of different versions of gandash. Load the page again; if that does not help, clear the browser's cache.";
const LOADED = "gandash-loaded-for"; // in this tab

const streams = new Map(); // by address: what is watched on this page

// Watch a run, or with "" whether the server is ready: `onState` is told of every message, and once when the connection
// is lost. It is always given the same object, which is brought up to date:
//
// run, connected, kind ("" before the first message, "outdated" if the last one cannot be read), sentence, version, rows,
// life, ready, state, words, scene, changes (of status, the newest that were told together); phase (what the newest phase did that was played by itself: the header's, with its points real, generated
// and moved, and wanted, flat, four numbers for each arrow; otherwise null); real ({x, y}, or null while unknown); curves (a Map by name of {x, y}, plain arrays, finite
// values); frames ([{epoch, at, points: {x, y}, outputs}], the newest few, oldest first; outputs, flat,
// where a pattern of numbers has them); kept ([first, last, step], the past
// epochs that can be looked at, or null); offers (the views that there are, null while unknown) and views ({epoch, at, arrays: a Map by the
// views' names, as they were asked for, of Maps by name of {values, shape}, older: the epochs, by name, of those that are
// of another one}; null before there are any). Points and values are Float32Arrays.
//
// What is returned has `close()` and `look(names)`, by which a watcher who looks inside the run says at which views; with
// no name it is told what there is.
export function watch(run, onState, { base = "" } = {}) {
  const address = `${base} ${run}`;
  let stream = streams.get(address);
  if (!stream) {
    stream = new Stream(run, base, () => streams.delete(address));
    streams.set(address, stream);
  }
  return stream.add(onState);
}

class Stream {
  constructor(run, base, onEmpty) {
    this.path = `${base}/live?run=${encodeURIComponent(run)}`;
    this.onEmpty = onEmpty;
    this.watchers = new Set();
    this.looked = null; // the views that are looked at, null for none
    this.asked = null; // those in the address
    this.coming = false; // whether the first message of a connection is on its way: it is not given up for other views
    this.state = emptyState(run);
    this.wait = WAITS[0];
    this.hurry = () => {
      if (this.timer && !document.hidden) this.connect();
    };
    addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
    this.socket = null;
    queueMicrotask(() => this.watchers.size && this.connect()); // once it is known at what the first watcher looks
  }

  add(onState) {
    const watcher = { onState };
    this.watchers.add(watcher);
    if (this.state.kind) queueMicrotask(() => this.watchers.has(watcher) && tell(watcher, this.state));
    return {
      close: () => {
        if (!this.watchers.delete(watcher)) return;
        if (!this.watchers.size) this.close();
        else this.look();
      },
      look: (names) => {
        watcher.names = names;
        if (this.watchers.has(watcher)) this.look();
      },
    };
  }

  // Ask for what all watchers look at together: on a new connection, which goes on where the one before it is.
  look() {
    const all = [...this.watchers].map(({ names }) => names).filter(Boolean);
    const looked = all.length ? [...new Set(all.flat())].sort().join(",") : null;
    if (looked === this.looked) return;
    this.looked = looked;
    if (!this.socket && !this.timer) return; // it is about to connect
    this.looking ??= setTimeout(() => {
      this.looking = null;
      if (this.watchers.size && !this.coming) this.connect();
    }, LOOK_MS);
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    const { kind, rows, version, life } = this.state;
    const known = kind === "picture" || kind === "news";
    const url = new URL(this.path + (known ? `&rows=${rows}&version=${version}&life=${life}` : ""), location.href);
    if (this.looked !== null) url.searchParams.set("views", this.looked);
    this.asked = this.looked;
    this.coming = true;
    url.protocol = url.protocol.replace("http", "ws");
    const before = this.socket;
    const socket = new WebSocket(url);
    this.socket = socket;
    if (before) leave(before);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      this.wait = WAITS[0];
      this.state.connected = true;
      this.coming = false;
      try {
        take(this.state, decode(data));
      } catch (error) {
        if (this.state.kind === "outdated" || loadAnew(data)) return;
        reportError(error);
        Object.assign(this.state, { kind: "outdated", sentence: OUTDATED });
      }
      this.tellAll();
      if (this.asked !== this.looked && !this.looking && socket === this.socket) this.connect();
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.socket) return;
      this.coming = false;
      const was = this.state.connected;
      this.state.connected = false;
      if (code !== REFUSED) {
        this.timer = setTimeout(() => this.connect(), this.wait * (0.5 + Math.random()));
        this.wait = Math.min(2 * this.wait, WAITS[1]);
      }
      if (was) this.tellAll();
    };
  }

  tellAll() {
    for (const watcher of [...this.watchers]) if (this.watchers.has(watcher)) tell(watcher, this.state);
  }

  close() {
    clearTimeout(this.timer);
    removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
    clearTimeout(this.looking);
    const { socket } = this;
    this.socket = null;
    if (socket) leave(socket);
    this.onEmpty();
  }
}

function leave(socket) {
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(); // before, it is an error
  else socket.close();
}

// What cannot be read is of another version of the server than the scripts, so the page is loaded again: once for each
// version in this tab, lest it never ends. Whether that is done.
function loadAnew(data) {
  const version = String(new Uint8Array(data, 0, Math.min(4, data.byteLength)));
  try {
    if (sessionStorage.getItem(LOADED) === version) return false;
    sessionStorage.setItem(LOADED, version);
  } catch {
    return false; // a browser may keep nothing
  }
  location.reload();
  return true;
}

// What goes wrong for one who watches is not another's matter.
function tell(watcher, state) {
  try {
    watcher.onState(state);
  } catch (error) {
    reportError(error);
  }
}

export function emptyState(run) {
  return {
    run,
    connected: false,
    kind: "",
    sentence: "",
    version: 0,
    rows: 0,
    life: "",
    ready: false,
    state: null,
    words: null,
    scene: null,
    changes: [],
    phase: null,
    real: null,
    curves: new Map(),
    frames: [],
    offers: null,
    views: null,
    kept: null,
  };
}

// Bring a state up to date by a message.
export function take(state, { header, arrays }) {
  const { kind } = header;
  if (kind === "views") {
    takeViews(state, header, arrays);
    return;
  }
  state.kind = kind;
  state.sentence = header.sentence ?? header.words?.sentence ?? "";
  if (kind === "server") {
    state.ready = header.ready;
    return;
  }
  const seen = state.life === (header.life ?? "") ? state.version : 0;
  if (kind !== "news") Object.assign(state, { real: null, curves: new Map(), frames: [], rows: 0, version: 0, views: null });
  if (kind === "missing") {
    Object.assign(state, { state: null, words: null, scene: null, changes: [], kept: null, phase: null });
    return;
  }
  const changes = seen ? header.changes.filter(([version]) => version > seen) : header.changes.slice(-1);
  if (changes.length) state.changes = changes;
  for (const name of ["version", "rows", "state", "words", "scene"]) state[name] = header[name];
  state.life = header.life ?? "";
  state.kept = header.kept ?? null;
  if (kind === "picture") takeCurves(state.curves, arrays);
  else addRows(state.curves, arrays);
  const { phase } = header.state;
  const of = (name) => points(arrays.get(`phase:${name}`));
  const wanted = arrays.get("phase:wanted") ?? new Float32Array();
  state.phase = phase ? { ...phase, real: of("real"), generated: of("generated"), moved: of("moved"), wanted } : null;
  if (arrays.has("real")) state.real = points(arrays.get("real"));
  const newest = state.frames.at(-1)?.at ?? -1;
  header.frames.forEach(({ epoch, at }, place) => {
    if (at > newest) state.frames.push({ epoch, at, points: points(arrays.get(`frame:${place}`)) });
  });
  if (arrays.has("outputs") && header.frames.at(-1).at > newest) state.frames.at(-1).outputs = arrays.get("outputs");
  state.frames.splice(0, state.frames.length - MOST_FRAMES);
}

// What is said of a run to who does not see it: what it came to meanwhile, if one message tells of several, and its state.
export function announced({ announce = "" }, changes = []) {
  const passed = changes.slice(0, -1).map(([, status]) => status.replace("_", " ")).filter((status) => !ACTIVE.includes(status));
  return passed.length ? `Meanwhile: ${passed.join(", ")}. ${announce}` : announce;
}

function takeViews(state, { epoch, at, names, offers, older, arrays: listed }, arrays) {
  state.offers = offers;
  if (epoch === null) return;
  const views = new Map(names.map((name) => [name, new Map()]));
  for (const { name, shape } of listed) {
    const [, view, part] = name.match(/^view:([^:]*):(.*)$/);
    views.get(view).set(part, { values: arrays.get(name), shape });
  }
  state.views = { epoch, at, older: older ?? {}, arrays: views };
}

function takeCurves(curves, arrays) {
  for (const [key, x] of arrays) {
    if (key.startsWith("x:")) curves.set(key.slice(2), { x: [...x], y: [...arrays.get(`y:${key.slice(2)}`)] });
  }
}

function addRows(curves, arrays) {
  const epochs = arrays.get("epoch");
  for (const [key, values] of arrays) {
    if (!key.startsWith("column:")) continue;
    const name = key.slice("column:".length);
    const curve = curves.get(name) ?? { x: [], y: [] };
    values.forEach((value, row) => {
      if (!Number.isFinite(value)) return;
      curve.x.push(epochs[row]);
      curve.y.push(value);
    });
    curves.set(name, curve.x.length > 2 * MOST_POINTS ? thin(curve, MOST_POINTS) : curve);
  }
}

// At most `limit` of a curve's points, in order, that keep every spike: of bins of equal count the lowest and the highest
// stay, and the first and the last point of all.
export function thin({ x, y }, limit) {
  const n = y.length;
  if (n <= limit) return { x, y };
  const width = Math.ceil(n / ((limit - 2) >> 1));
  const kept = new Set([0]);
  for (let start = 0; start < n; start += width) {
    let low = start;
    let high = start;
    for (let place = start; place < Math.min(start + width, n); place += 1) {
      if (y[place] < y[low]) low = place;
      if (y[place] > y[high]) high = place;
    }
    kept.add(Math.min(low, high)).add(Math.max(low, high));
  }
  const places = [...kept.add(n - 1)];
  return { x: places.map((place) => x[place]), y: places.map((place) => y[place]) };
}

// Points (n, 2), flat, as two arrays.
export function points(pairs) {
  const n = pairs.length / 2;
  const [x, y] = [new Float32Array(n), new Float32Array(n)];
  for (let place = 0; place < n; place += 1) {
    x[place] = pairs[2 * place];
    y[place] = pairs[2 * place + 1];
  }
  return { x, y };
}

// A message as its header and a Map of its arrays, flat, by name.
export function decode(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("This is no message of version 1 of the stream.");
  const length = view.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const arrays = new Map();
  let start = 8 + length;
  for (const { name, type, shape } of header.arrays) {
    const count = shape.reduce((product, size) => product * size, 1);
    arrays.set(name, new (type === "f8" ? Float64Array : Float32Array)(buffer, start, count));
    start += Math.ceil((count * (type === "f8" ? 8 : 4)) / 8) * 8;
  }
  return { header, arrays };
}
