// One latent to and fro by itself, until it is halted or moved by hand.

const PERIOD = 4000; // milliseconds, there and back
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let playing = null;

/** Plays a latent from where it is. */
function play(row) {
  halt();
  const [low, high] = bounds(row.index);
  const share = (within(row.index, codes[row.index]) - low) / (high - low || 1);
  playing = { row, since: null, phase: Math.asin(2 * share - 1) };
  row.play.setAttribute("aria-pressed", "true");
  requestAnimationFrame(swing);
}

function halt() {
  playing?.row.play.setAttribute("aria-pressed", "false");
  playing = null;
}

/** A frame; eight still pictures, a second each, where little motion is wished for. */
function swing(now) {
  if (!playing) return;
  playing.since ??= now;
  const elapsed = now - playing.since;
  const turns = calm.matches ? Math.floor(elapsed / 1000) / 8 : elapsed / PERIOD;
  const [low, high] = bounds(playing.row.index);
  const share = (1 + Math.sin(playing.phase + 2 * Math.PI * turns)) / 2;
  move([[playing.row.index, low + share * (high - low)]]);
  requestAnimationFrame(swing);
}

for (const row of rows) {
  row.play.addEventListener("click", () => (playing?.row === row ? halt() : play(row)));
}
