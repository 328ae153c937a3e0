// Uploads of clips. Gradio's box takes what the browser calls a video, and browsers do not call every format of cameras
// and phones so; a format that they cannot play is analysed all the same. `suffixes`: endings of clips.
(suffixes) => {
  const UNPLAYABLE = "This browser cannot play the format. The clip can be analysed nevertheless.";
  const boxOf = (target) => target instanceof Element ? target.closest(".fp-clip-upload") : null;
  const isClip = (file) => suffixes.some((suffix) => file.name.toLowerCase().endsWith(suffix));
  const needsType = (file) => !file.type.startsWith("video/") && isClip(file);

  // The same files, the clips among them with the type of a video.
  function typed(files) {
    const transfer = new DataTransfer();
    for (const file of files) {
      const options = { type: "video/mp4", lastModified: file.lastModified };
      transfer.items.add(needsType(file) ? new File([file], file.name, options) : file);
    }
    return transfer.files;
  }
  const isChooser = (target) => target instanceof HTMLInputElement && target.type === "file" && boxOf(target) !== null;

  // Before Gradio's own listeners, which are on the elements.
  document.addEventListener("click", ({ target }) => {
    if (isChooser(target)) target.accept = ["video/*", ...suffixes].join(",");
  }, true);
  document.addEventListener("change", ({ target }) => {
    if (isChooser(target) && [...target.files].some(needsType)) target.files = typed(target.files);
  }, true);
  document.addEventListener("drop", (event) => {
    const input = boxOf(event.target)?.querySelector("input[type=file]");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!input || !files.some(needsType)) return;
    event.preventDefault();
    event.stopPropagation();
    input.files = typed(files.slice(0, 1));
    input.dispatchEvent(new Event("change"));
  }, true);

  // A video without a picture: another codec, another container, or sound alone.
  function remark(video, isPlayable) {
    const box = video instanceof HTMLVideoElement ? boxOf(video) : null;
    if (box) box.dataset.remark = isPlayable ? "" : UNPLAYABLE;
    return box;
  }
  document.addEventListener("error", (event) => {
    if (remark(event.target, false)) event.stopPropagation(); // Gradio would show an alarming error
  }, true);
  document.addEventListener("loadedmetadata", ({ target }) => remark(target, target.videoWidth > 0), true);
}
