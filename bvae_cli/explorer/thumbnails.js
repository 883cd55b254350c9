// At both ends of each slider the picture that would be there. They are drawn when the code has come to rest, a latent
// a frame, so that the picture in the middle never waits for them.

const REST = 150; // milliseconds
let resting = 0;
let left = [];

function rest() {
  left = [];
  clearTimeout(resting);
  resting = setTimeout(() => {
    left = rows.filter(({ slider }) => slider.checkVisibility());
    requestAnimationFrame(drawNext);
  }, REST);
}

function drawNext() {
  const row = left.shift();
  if (!row) return;
  row.ends.forEach((canvas, end) => {
    const code = codes.slice();
    code[row.index] = bounds(row.index)[end];
    paint(canvas, decode(code), channels);
  });
  requestAnimationFrame(drawNext);
}

document.querySelector("details")?.addEventListener("toggle", rest);
watchers.push(rest);
