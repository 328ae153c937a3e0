// The two transitions of a dive: dragged on the timeline, moved by arrow keys, or typed.
// `props.value` comes from `editor_value` in train_labels.py; "save" is triggered with the dive and both frames.
const find = (selector) => element.querySelector(selector);
let data = null, image = null, at = 0, marks = { flight: 0, entry: 0 };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const share = (frame) => data.last > data.first ? (frame - data.first) / (data.last - data.first) : 0;

function draw() {
  if (!data || !image) return;
  let tile = 0;
  while (tile + 1 < data.numbers.length && data.numbers[tile + 1] <= at) tile += 1;
  const canvas = find("canvas");
  canvas.width = data.width; canvas.height = data.height;
  const column = tile % data.columns, row = Math.floor(tile / data.columns);
  canvas.getContext("2d").drawImage(
    image, column * data.width, row * data.height, data.width, data.height, 0, 0, data.width, data.height);
}
function show() {
  const { flight, entry } = marks;
  const spans = { "take-off": [data.first, flight], flight: [flight, entry], entry: [entry, data.last] };
  for (const [name, [from, to]] of Object.entries(spans)) {
    const part = find(`.bar .${name}`);
    part.style.left = `${100 * share(from)}%`;
    part.style.right = `${100 * (1 - share(to))}%`;
  }
  for (const name of ["flight", "entry"]) {
    const handle = find(`.handle.${name}`);
    handle.style.left = `${100 * share(marks[name])}%`;
    handle.setAttribute("aria-valuemin", data.first);
    handle.setAttribute("aria-valuemax", data.last);
    handle.setAttribute("aria-valuenow", marks[name]);
    find(`.number.${name}`).value = marks[name];
  }
  find(".seek").value = at;
  find(".at").textContent = `frame ${at}`;
  draw();
}
function move(name, frame) {
  const limits = { flight: [data.first, marks.entry], entry: [marks.flight, data.last] };
  marks[name] = clamp(Math.round(frame), ...limits[name]);
  at = marks[name];
  find(".note").textContent = "not saved yet";
  show();
}
function load(value) {
  data = value && value.sheet ? value : null;
  find(".labels").classList.toggle("ready", Boolean(data));
  find(".note").textContent = data ? data.note : "";
  if (!data) return;
  marks = { flight: data.flight, entry: data.entry };
  at = data.flight;
  const seek = find(".seek");
  seek.min = data.first; seek.max = data.last;
  for (const name of ["flight", "entry"]) Object.assign(find(`.number.${name}`), { min: data.first, max: data.last });
  image = null;
  const loading = new Image();
  loading.onload = () => { image = loading; element.dataset.loaded = data.dive; draw(); };
  loading.src = data.sheet.url;
  show();
}

find(".seek").addEventListener("input", (event) => { at = Number(event.target.value); show(); });
for (const name of ["flight", "entry"]) {
  const handle = find(`.handle.${name}`);
  handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); event.preventDefault(); handle.focus(); });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const line = find(".line").getBoundingClientRect();
    move(name, data.first + (data.last - data.first) * (event.clientX - line.left) / line.width);
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(name, marks[name] + step);
  });
  find(`.number.${name}`).addEventListener("change", (event) => {
    if (event.target.value !== "") move(name, Number(event.target.value)); else show();
  });
}
find(".save").addEventListener("click", () => {
  if (!data) return;
  find(".note").textContent = "saving";
  trigger("save", { dive: data.dive, flight: marks.flight, entry: marks.entry });
});
watch("value", () => load(props.value));
load(props.value);
