// The viewer: two native players in step, the mask over the video, and the cursor of the timeline.
// The page gives `element`, `props`, `trigger` and `watch`; `props.value` comes from `viewer_value` in player.py.
const FILL = 0.45, DIMMED = 0.65, TOLERANCE = 0.05;
// Overlays that are on, in this visit of the page.
const OVERLAYS = "fineparser-overlays";
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const state = { rate: 1, style: "fill", align: "phases", loop: false, box: false, target: null, phase: null };
// Frames by which each side is shifted from the alignment.
const nudge = { query: 0, exemplar: 0 };
let data = null;

const video = (side) => find(`.${side} video`);
const last = (side) => side.times.length - 2;

// The frame on the screen at a time, counted from the start of the clip.
function frameAt(side, time) {
  let low = 0, high = last(side);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (side.times[middle] <= time + 1e-4) low = middle; else high = middle - 1;
  }
  return low;
}
// The middle of a frame: a seek to its start may show the previous one.
const middleOf = (side, frame) => (side.times[frame] + side.times[frame + 1]) / 2;
const marks = (side) => side.marks.map((number) => Math.min(Math.max(number - side.first, 0), last(side)));
const anchors = (side) => marks(side).map((frame) => side.times[frame]);

function phaseAt(side, frame) {
  const at = marks(side);
  return frame >= at[2] ? 2 : frame >= at[1] ? 1 : 0;
}
// First and last frame of a phase.
function spanOf(side, phase) {
  const at = marks(side);
  return [at[phase], phase === 2 ? at[3] : Math.max(at[phase + 1] - 1, at[phase])];
}

// The same as `matching_time` in fineparser/rendering/comparison_video.py.
function matchingTime(time) {
  const ours = anchors(data.query), theirs = anchors(data.exemplar);
  if (state.align === "start") return theirs[0] + time - ours[0];
  const phase = time + 1e-6 >= ours[2] ? 2 : time + 1e-6 >= ours[1] ? 1 : 0;
  const length = ours[phase + 1] - ours[phase];
  const share = length > 0 ? Math.min(Math.max((time - ours[phase]) / length, 0), 1) : 0;
  return theirs[phase] + share * (theirs[phase + 1] - theirs[phase]);
}

function seek(frame) {
  if (!data) return;
  const target = Math.min(Math.max(Math.round(frame), 0), last(data.query));
  state.target = target;
  video("query").currentTime = middleOf(data.query, target);
  follow(true);
  show(target);
}
function seekSeconds(seconds) {
  if (data) seek(frameAt(data.query, seconds - data.query.start));
}
function current() {
  return state.target ?? frameAt(data.query, video("query").currentTime);
}
function pause() {
  video("query").pause();
  if (data && data.exemplar) video("exemplar").pause();
}
function step(by) {
  if (!data) return;
  const frame = current();
  pause();
  seek(frame + by);
}
function play() {
  if (!data) return;
  const player = video("query");
  if (!player.paused) { const frame = current(); pause(); seek(frame); return; }
  const [from, to] = state.loop ? spanOf(data.query, state.phase ?? phaseAt(data.query, current())) : [0, last(data.query)];
  if (current() >= to || current() < from) seek(from);
  player.playbackRate = state.rate;
  player.play().catch(() => {});
  requestAnimationFrame(tick);
}

// Moves the exemplar to the moment that matches the dive.
function follow(exactly) {
  if (!data || !data.exemplar) return;
  const ours = video("query"), theirs = video("exemplar");
  const shown = state.target === null ? ours.currentTime : middleOf(data.query, state.target);
  // The time of the dive without its shift.
  const now = shown - nudge.query * (middleOf(data.query, last(data.query)) - middleOf(data.query, 0)) / Math.max(last(data.query), 1);
  const frame = Math.min(Math.max(frameAt(data.exemplar, matchingTime(now)) + nudge.exemplar, 0), last(data.exemplar));
  const target = middleOf(data.exemplar, frame);
  if (exactly || Math.abs(theirs.currentTime - target) > TOLERANCE) theirs.currentTime = target;
  if (!ours.paused) {
    const ahead = matchingTime(now + 0.05) - matchingTime(now);
    theirs.playbackRate = Math.min(Math.max(state.rate * ahead / 0.05, 0.0625), 4);
    // A player at its end would start over.
    if (theirs.paused && frame < last(data.exemplar)) theirs.play().catch(() => {});
  } else if (!theirs.paused) theirs.pause();
  element.dataset.beside = data.exemplar.first + frame;
  find(".exemplar .at").textContent = `frame ${data.exemplar.first + frame}, ${(data.exemplar.times[frame] + data.exemplar.start).toFixed(2)} s`;
}

function tick() {
  if (!data || !element.isConnected) return;
  const player = video("query");
  if (player.paused) { follow(true); return; }
  if (state.target === null) {
    const frame = frameAt(data.query, player.currentTime);
    if (state.loop) {
      const [from, to] = spanOf(data.query, state.phase ?? phaseAt(data.query, frame));
      if (player.currentTime >= data.query.times[to + 1] - 0.005 || frame < from) { seek(from); requestAnimationFrame(tick); return; }
    }
    show(frame);
    follow(false);
  }
  requestAnimationFrame(tick);
}

// Shows a frame: readouts, slider, mask and cursor.
function show(frame) {
  const side = data.query, number = side.first + frame, phase = phaseAt(side, frame);
  const seconds = side.times[frame] + side.start;
  find(".readout .frame").textContent = `frame ${number}`;
  find(".readout .time").textContent = `${seconds.toFixed(2)} s`;
  const inside = number >= side.marks[0] && number <= side.marks[3];
  find(".readout .phase").textContent = inside ? data.phases[phase].name : "outside the dive";
  find(".query .at").textContent = `frame ${number}, ${seconds.toFixed(2)} s`;
  const slider = find(".seek");
  slider.value = frame;
  slider.setAttribute("aria-valuetext", `frame ${number}, ${seconds.toFixed(2)} seconds`);
  all(".chips button").forEach((chip, place) => {
    chip.classList.toggle("at", place === phase);
    chip.classList.toggle("on", state.loop && place === (state.phase ?? phase));
  });
  element.dataset.frame = number;
  draw(frame);
  cursor(seconds);
}

function sampleOf(number) {
  const samples = data.query.samples;
  if (number < samples[0] || number > samples[samples.length - 1]) return null;
  let best = 0;
  for (let index = 1; index < samples.length; index++)
    if (Math.abs(samples[index] - number) < Math.abs(samples[best] - number)) best = index;
  return best;
}

function draw(frame) {
  const canvas = find(".query canvas"), player = video("query"), side = data.query;
  const wide = player.clientWidth, high = player.clientHeight, dots = window.devicePixelRatio || 1;
  if (!wide || !high) return;
  const width = Math.round(canvas.clientWidth * dots), height = Math.round(canvas.clientHeight * dots);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, width, height);
  const index = sampleOf(side.first + frame);
  if (index === null) return;
  // The frame is fitted into the player, which is in the middle of the canvas.
  const scale = Math.min(wide / side.size[0], high / side.size[1]);
  const left = (canvas.clientWidth - side.size[0] * scale) / 2, top = (canvas.clientHeight - side.size[1] * scale) / 2;
  pen.setTransform(scale * dots, 0, 0, scale * dots, left * dots, top * dots);
  const thin = 1 / scale, colour = data.phases[phaseAt(side, frame)].colour;
  const path = new Path2D();
  for (const polygon of side.polygons[side.first + frame - side.samples[0]]) {
    polygon.forEach(([x, y], place) => (place ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
  }
  if (state.style === "fill") {
    pen.globalAlpha = FILL; pen.fillStyle = colour; pen.fill(path, "evenodd"); pen.globalAlpha = 1;
  } else if (state.style === "dim") {
    const around = new Path2D(path);
    around.rect(0, 0, side.size[0], side.size[1]);
    pen.globalAlpha = DIMMED; pen.fillStyle = "#000"; pen.fill(around, "evenodd"); pen.globalAlpha = 1;
  }
  if (state.style !== "none") {
    pen.lineJoin = "round";
    pen.lineWidth = 4 * thin; pen.strokeStyle = "#000"; pen.stroke(path);
    pen.lineWidth = 2 * thin; pen.strokeStyle = state.style === "outline" ? colour : "#fff"; pen.stroke(path);
  }
  if (side.motion) drawMotion(pen, thin, side, side.first + frame);
  if (state.box) {
    const [x0, y0, x1, y1] = side.boxes[index];
    pen.setLineDash([8 * thin, 6 * thin]);
    pen.lineWidth = 2 * thin; pen.strokeStyle = "#fff"; pen.strokeRect(x0 + thin, y0 + thin, x1 - x0 - 2 * thin, y1 - y0 - 2 * thin);
    pen.setLineDash([]);
  }
}

// The samples before and after a frame, and its place between them, 0 to 1.
function placeOf(number) {
  const samples = data.query.samples;
  let after = 0;
  while (after < samples.length - 1 && samples[after] < number) after++;
  const before = samples[after] > number ? Math.max(after - 1, 0) : after;
  return [before, after, after === before ? 0 : (number - samples[before]) / (samples[after] - samples[before])];
}
// A point or a matrix, given for each sample, at a place between two of them; null where either is unknown.
function between(values, [before, after, share]) {
  const from = values[before], to = values[after];
  return from && to && from.map((value, index) => value + share * (to[index] - value));
}
// Position in a frame of a point in pixels of the first sampled frame.
function inFrame(camera, [x, y]) {
  const [u, v, w] = [0, 3, 6].map((row) => camera[row] * x + camera[row + 1] * y + camera[row + 2]);
  return [u / w, v / w];
}

// A line with dark edges, visible on any background.
function drawLine(pen, thin, points, colour, width, dash = []) {
  if (points.length < 2) return;
  const line = new Path2D();
  points.forEach(([x, y], place) => (place ? line.lineTo(x, y) : line.moveTo(x, y)));
  pen.lineJoin = "round";
  pen.setLineDash(dash.map((length) => length * thin));
  pen.lineWidth = (width + 2) * thin; pen.strokeStyle = "#000"; pen.stroke(line);
  pen.lineWidth = width * thin; pen.strokeStyle = colour; pen.stroke(line);
  pen.setLineDash([]);
}
function drawDot(pen, thin, [x, y], colour) {
  pen.beginPath();
  pen.arc(x, y, 5 * thin, 0, 2 * Math.PI);
  pen.lineWidth = 2 * thin; pen.strokeStyle = "#000"; pen.stroke();
  pen.fillStyle = colour; pen.fill();
}
function drawText(pen, thin, text, x, y) {
  pen.font = `600 ${15 * thin}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  const width = pen.measureText(text).width;
  const left = Math.max(4 * thin, Math.min(x, data.query.size[0] - width - 4 * thin));
  pen.globalAlpha = DIMMED; pen.fillStyle = "#000"; pen.fillRect(left - 4 * thin, y - 11 * thin, width + 8 * thin, 22 * thin);
  pen.globalAlpha = 1; pen.fillStyle = "#fff"; pen.fillText(text, left, y);
}

// The same as `draw_markings` in fineparser/rendering/markings.py; the rest of the path is shown, too, faintly.
function drawMotion(pen, thin, side, number) {
  const { bones, points, centre, path, start, camera, tilt, colours } = side.motion, on = overlays(), place = placeOf(number);
  const middle = between(centre, place), up = [Math.sin(tilt * Math.PI / 180), -Math.cos(tilt * Math.PI / 180)];
  if (on.has("vertical") && middle) {
    const reach = side.size[0] + side.size[1];
    drawLine(pen, thin, [-1, 1].map((way) => middle.map((value, axis) => value + way * reach * up[axis])), colours.vertical, 2, [10, 8]);
  }
  if (on.has("path")) {
    const motion = between(camera, place), now = place[0] + place[2] - start;
    const whole = path.map((point, index) => point && [...inFrame(motion, point), index]).filter(Boolean);
    pen.globalAlpha = 0.4;
    drawLine(pen, thin, whole, colours.path, 2);
    pen.globalAlpha = 1;
    drawLine(pen, thin, [...whole.filter(([, , index]) => index < now), ...(middle && now >= 0 && now < path.length ? [middle] : [])], colours.path, 3);
  }
  const body = points[0].map((_, joint) => between(points.map((frame) => frame[joint]), place));
  if (on.has("skeleton")) {
    for (const [from, to] of bones) if (body[from] && body[to]) drawLine(pen, thin, [body[from], body[to]], "#fff", 3);
    for (const joint of body.filter(Boolean)) drawDot(pen, thin, joint, colours.body);
  }
  if (on.has("angle")) drawAngle(pen, thin, side.motion, number, place, body, up);
}
// The line of the body at the touch, or else of the trunk, with its angle from the vertical.
function drawAngle(pen, thin, { entry, trunk, lean, colours }, number, place, body, up) {
  let end, vertex, text, vertical = up;
  if (entry && number === entry.frame) {
    [end, vertex] = entry.line;
    text = entry.text;
  } else {
    const [neck, pelvis] = trunk.map((joint) => body[joint]), degrees = lean[place[2] <= 0.5 ? place[0] : place[1]];
    if (!neck || !pelvis || degrees === null) return;
    [vertex, end] = [pelvis, neck.map((value, axis) => pelvis[axis] + 1.4 * (value - pelvis[axis]))];
    if (Math.abs(degrees) > 90) vertical = up.map((value) => -value);
    text = `${Math.round(Math.min(Math.abs(degrees), 180 - Math.abs(degrees)))}\u00b0`;
  }
  const side = [end[0] - vertex[0], end[1] - vertex[1]], length = Math.hypot(...side);
  if (length < 1) return;
  drawLine(pen, thin, [vertex, vertex.map((value, axis) => value + 1.05 * length * vertical[axis])], colours.vertical, 2, [6, 6]);
  drawLine(pen, thin, [vertex, end], colours.body, 3);
  const from = Math.atan2(vertical[1], vertical[0]), turn = Math.atan2(vertical[0] * side[1] - vertical[1] * side[0], vertical[0] * side[0] + vertical[1] * side[1]);
  const arc = Array.from({ length: 24 }, (_, index) => from + turn * index / 23);
  drawLine(pen, thin, arc.map((angle) => [vertex[0] + 0.6 * length * Math.cos(angle), vertex[1] + 0.6 * length * Math.sin(angle)]), colours.body, 2);
  drawText(pen, thin, text, vertex[0] + Math.max(0.6 * side[0], 0) + 14 * thin, vertex[1] + 0.6 * side[1]);
}

function overlays() {
  return new Set(all("[data-overlay]").filter((box) => box.checked && !box.disabled).map((box) => box.dataset.overlay));
}
// Shows the choice of overlays, as it was in this visit; one without data cannot be chosen.
function loadOverlays() {
  const motion = data.query.motion;
  find(".overlays").hidden = !motion;
  if (!motion) return;
  const has = {
    skeleton: motion.points.some((frame) => frame.some(Boolean)), path: motion.path.filter(Boolean).length > 1,
    angle: motion.entry !== null || motion.lean.some((angle) => angle !== null), vertical: motion.centre.some(Boolean),
  };
  const chosen = (sessionStorage.getItem(OVERLAYS) ?? "").split(" ");
  for (const box of all("[data-overlay]")) {
    box.disabled = !has[box.dataset.overlay];
    box.checked = chosen.includes(box.dataset.overlay);
  }
}

// The timeline is another component: its cursor and clicks are connected to the players here.
const plotIn = (id) => document.querySelector(`#${id} .js-plotly-plot`);
function cursor(seconds) {
  const plot = plotIn("timeline");
  if (!plot || !plot._fullLayout || !plot._fullLayout.xaxis) return;
  connectTimeline(plot);
  let line = plot.querySelector(".fp-cursor");
  if (!line) {
    line = document.createElement("div");
    line.className = "fp-cursor";
    plot.style.position = "relative";
    plot.appendChild(line);
  }
  const { l, t, h } = plot._fullLayout._size;
  line.style.left = `${l + plot._fullLayout.xaxis.d2p(seconds)}px`;
  line.style.top = `${t}px`;
  line.style.height = `${h}px`;
  line.dataset.seconds = seconds;
}
function connectTimeline(plot) {
  if (plot.fpConnected) return;
  plot.fpConnected = true;
  let held = false;
  const move = (event) => {
    const { l, w, t, h } = plot._fullLayout._size, box = plot.getBoundingClientRect();
    const x = event.clientX - box.left - l, y = event.clientY - box.top - t;
    if (!held && (x < 0 || x > w || y < 0 || y > h)) return false;
    pause();
    seekSeconds(plot._fullLayout.xaxis.p2d(Math.min(Math.max(x, 0), w)));
    return true;
  };
  plot.addEventListener("pointerdown", (event) => { held = move(event); });
  plot.addEventListener("pointermove", (event) => { if (held) move(event); });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) plot.addEventListener(end, () => { held = false; });
}
function connectVotes() {
  const plot = plotIn("votes");
  if (!plot || !plot.on || plot.fpConnected) return;
  plot.fpConnected = true;
  plot.on("plotly_click", (event) => {
    const vote = event.points[0] && event.points[0].customdata;
    if (vote) trigger("choose", { exemplar: vote[0] });
  });
}

function load() {
  const before = data;
  data = props.value && props.value.query ? props.value : null;
  if (!data) return;
  // With another exemplar the dive stays at its frame.
  const stays = before && before.query.clip.url === data.query.clip.url;
  if (!stays) Object.assign(state, { target: null, phase: null, loop: false });
  for (const name of ["query", "exemplar"]) {
    setNudge(name, 0);
    const side = data[name], player = video(name);
    if (!side) { player.removeAttribute("src"); continue; }
    find(`.${name} .name`).textContent = find(`.${name} .name`).title = side.name;
    if (!player.src.endsWith(side.clip.url)) { player.src = side.clip.url; player.load(); }
  }
  find(".exemplar").hidden = find(".beside").hidden = !data.exemplar;
  find(".stage").classList.toggle("pair", Boolean(data.exemplar));
  loadOverlays();
  if (stays) { follow(true); show(current()); return; }
  find(".loop").classList.remove("on");
  find(".loop").setAttribute("aria-pressed", "false");
  find(".seek").max = last(data.query);
  strip();
  find(".chips").replaceChildren(...data.phases.map((phase, place) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.dataset.phase = place;
    chip.textContent = phase.name;
    chip.style.setProperty("--phase", phase.colour);
    return chip;
  }));
  seek(marks(data.query)[0]);
}
// A shift of the dive moves the exemplar the other way, since the timeline follows the dive.
function setNudge(name, by) {
  nudge[name] = by;
  find(`.nudge[data-side=${name}]`).textContent = (by > 0 ? "+" : by < 0 ? "\u2212" : "") + Math.abs(by);
}
function strip() {
  const count = Math.max(last(data.query), 1);
  find(".strip").replaceChildren(...data.phases.map((phase, place) => {
    const part = document.createElement("i"), at = marks(data.query);
    part.style.left = `${(100 * at[place]) / count}%`;
    part.style.width = `${(100 * (at[place + 1] - at[place])) / count}%`;
    part.style.background = phase.colour;
    return part;
  }));
}

function loop(on) {
  state.loop = on;
  if (!on) state.phase = null; else state.phase ??= phaseAt(data.query, current());
  find(".loop").classList.toggle("on", on);
  find(".loop").setAttribute("aria-pressed", String(on));
  show(current());
}
function choose(group, button) {
  all(`.${group} button`).forEach((one) => one.classList.toggle("on", one === button));
}
const DO = {
  play, back: () => step(-1), forward: () => step(1), loop: () => loop(!state.loop),
  box: (button) => { state.box = !state.box; button.classList.toggle("on", state.box); button.setAttribute("aria-pressed", String(state.box)); show(current()); },
};
element.addEventListener("click", (event) => {
  if (!data) return;
  if (event.target.tagName === "VIDEO") { play(); return; }
  const button = event.target.closest("button");
  if (!button) return;
  const { rate, style, align, side, phase } = button.dataset;
  if (button.dataset.do) DO[button.dataset.do](button);
  else if (rate) { state.rate = Number(rate); video("query").playbackRate = state.rate; choose("speeds", button); }
  else if (style) { state.style = style; choose("styles", button); show(current()); }
  else if (align) { state.align = align; all("[data-align]").forEach((one) => one.classList.toggle("on", one === button)); follow(true); }
  else if (side) { setNudge(side, nudge[side] + Number(button.dataset.by)); follow(true); }
  else if (phase) { state.phase = state.loop ? Number(phase) : null; seek(marks(data.query)[Number(phase)]); }
});
element.addEventListener("input", (event) => {
  if (event.target.classList.contains("seek")) { pause(); seek(Number(event.target.value)); }
  if (event.target.dataset.overlay && data) {
    sessionStorage.setItem(OVERLAYS, all("[data-overlay]").filter((box) => box.checked).map((box) => box.dataset.overlay).join(" "));
    show(current());
  }
});
// Neither event bubbles, hence the capture.
element.addEventListener("seeked", (event) => {
  if (!data || event.target !== video("query")) return;
  state.target = video("query").paused ? state.target : null;
  show(current());
}, true);
for (const name of ["play", "pause", "ended"]) element.addEventListener(name, (event) => {
  if (event.target !== video("query")) return;
  find(".viewer").classList.toggle("playing", !video("query").paused);
  if (name === "play") { state.target = null; requestAnimationFrame(tick); }
}, true);
// A phase that lasts to the end of the clip: the player stops before `tick` can notice the end of the loop.
element.addEventListener("ended", (event) => {
  if (!data || !state.loop || event.target !== video("query")) return;
  seek(spanOf(data.query, state.phase ?? phaseAt(data.query, current()))[0]);
  video("query").play().catch(() => {});
}, true);
element.addEventListener("loadeddata", (event) => {
  if (!data) return;
  if (event.target === video("query")) show(current());
  follow(true);
}, true);

function keys(event) {
  if (!element.isConnected) { document.removeEventListener("keydown", keys); return; }
  if (!data || !element.getClientRects().length || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target, inside = element.contains(target);
  if (!inside && target.closest("input, textarea, select, button, summary, a, [contenteditable], [role=listbox], [role=tab]")) return;
  const actions = {
    " ": play, ArrowLeft: () => step(event.shiftKey ? -10 : -1), ArrowRight: () => step(event.shiftKey ? 10 : 1),
    l: () => loop(!state.loop), L: () => loop(!state.loop),
  };
  // The space bar presses a focused button or checkbox of the viewer.
  if (!actions[event.key] || (event.key === " " && target.closest("button, [type=checkbox]"))) return;
  event.preventDefault();
  actions[event.key]();
}
document.addEventListener("keydown", keys);
// The table of measurements names frames, by their numbers in the source.
function seekNumber(event) {
  if (!element.isConnected) { document.removeEventListener("fp-seek", seekNumber); return; }
  if (!data) return;
  pause();
  seek(event.detail - data.query.first);
  find(".stage").scrollIntoView({ block: "nearest", behavior: "smooth" });
}
document.addEventListener("fp-seek", seekNumber);
new ResizeObserver(() => { if (data) show(current()); }).observe(element);
// Figures are redrawn with another theme or tab: cursor and clicks are connected again.
const watcher = setInterval(() => {
  if (!element.isConnected) { clearInterval(watcher); return; }
  if (!data) return;
  connectVotes();
  const plot = plotIn("timeline");
  if (plot && !plot.querySelector(".fp-cursor")) show(current());
}, 300);
watch("value", load);
load();
