// The figures over the 96 frames are other components: their line and their clicks are tied to the frame here.
const FIGURES = ["inspect-transitions", "inspect-agreement"];

function mark(plot, frame) {
  let line = plot.querySelector(".fp-cursor");
  if (!line) {
    line = document.createElement("div");
    line.className = "fp-cursor";
    plot.style.position = "relative";
    plot.appendChild(line);
  }
  const { l, t, h } = plot._fullLayout._size;
  line.style.left = `${l + plot._fullLayout.xaxis.d2p(frame)}px`;
  line.style.top = `${t}px`;
  line.style.height = `${h}px`;
  line.dataset.frame = frame;
}
function tie(plot) {
  if (plot.fpTied) return;
  plot.fpTied = true;
  plot.addEventListener("click", (event) => {
    const { l, w, t, h } = plot._fullLayout._size, box = plot.getBoundingClientRect();
    const x = event.clientX - box.left - l, y = event.clientY - box.top - t;
    if (x < 0 || x > w || y < 0 || y > h) return;
    trigger("leaf", { frame: Math.round(plot._fullLayout.xaxis.p2d(x)) });
  });
}
// A figure comes after the pictures, is drawn anew with every dive, and changes its width with the page.
setInterval(() => {
  const shown = element.querySelector("[data-frame]");
  if (!shown) return;
  for (const id of FIGURES) {
    const plot = document.querySelector(`#${id} .js-plotly-plot`);
    if (!plot || !plot._fullLayout || !plot._fullLayout.xaxis || !plot.offsetWidth) continue;
    tie(plot);
    mark(plot, Number(shown.dataset.frame));
  }
}, 250);
