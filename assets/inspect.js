// The figures over the 96 frames are other components: their cursor and their clicks are connected to the frame here.
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
function connect(plot) {
  if (plot.fpConnected) return;
  plot.fpConnected = true;
  plot.addEventListener("click", (event) => {
    const { l, w, t, h } = plot._fullLayout._size, box = plot.getBoundingClientRect();
    const x = event.clientX - box.left - l, y = event.clientY - box.top - t;
    if (x < 0 || x > w || y < 0 || y > h) return;
    trigger("seek", { frame: Math.round(plot._fullLayout.xaxis.p2d(x)) });
  });
}
// A figure appears after the images, is redrawn for every dive, and changes its width with the page.
setInterval(() => {
  const images = element.querySelector("[data-frame]");
  if (!images) return;
  for (const id of FIGURES) {
    const plot = document.querySelector(`#${id} .js-plotly-plot`);
    if (!plot || !plot._fullLayout || !plot._fullLayout.xaxis || !plot.offsetWidth) continue;
    connect(plot);
    mark(plot, Number(images.dataset.frame));
  }
}, 250);
