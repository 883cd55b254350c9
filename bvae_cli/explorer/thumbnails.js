// Thumbnails at both ends of each slider: the images decoded there. They are drawn once the code has not changed for a
// while, one latent per frame, so that they do not delay the main image.

const DELAY = 150; // milliseconds without a change of the code
let timer = 0;
let pendingRows = [];

function scheduleThumbnails() {
  pendingRows = [];
  clearTimeout(timer);
  timer = setTimeout(() => {
    pendingRows = rows.filter(({ slider }) => slider.checkVisibility());
    requestAnimationFrame(drawNextThumbnails);
  }, DELAY);
}

function drawNextThumbnails() {
  const row = pendingRows.shift();
  if (!row) return;
  row.thumbnails.forEach((canvas, end) => {
    const code = codes.slice();
    code[row.index] = rangeOf(row.index)[end];
    paint(canvas, decode(code), channels);
  });
  requestAnimationFrame(drawNextThumbnails);
}

document.querySelector("details")?.addEventListener("toggle", scheduleThumbnails);
drawListeners.push(scheduleThumbnails);
