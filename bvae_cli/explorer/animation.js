// Animation of one latent over its range, until it is stopped or a latent is moved by hand.

const PERIOD = 4000; // milliseconds for one oscillation
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
let animation = null;

/** Starts the animation of a latent at its current value. */
function startAnimation(row) {
  stopAnimation();
  const [min, max] = rangeOf(row.index);
  const fraction = (clampToRange(row.index, codes[row.index]) - min) / (max - min || 1);
  animation = { row, startTime: null, phase: Math.asin(2 * fraction - 1) };
  row.playButton.setAttribute("aria-pressed", "true");
  requestAnimationFrame(animate);
}

function stopAnimation() {
  animation?.row.playButton.setAttribute("aria-pressed", "false");
  animation = null;
}

/** Draws a frame; with reduced motion, the oscillation consists of eight still images, one per second. */
function animate(now) {
  if (!animation) return;
  animation.startTime ??= now;
  const elapsed = now - animation.startTime;
  const cycles = reducedMotion.matches ? Math.floor(elapsed / 1000) / 8 : elapsed / PERIOD;
  const [min, max] = rangeOf(animation.row.index);
  const fraction = (1 + Math.sin(animation.phase + 2 * Math.PI * cycles)) / 2;
  move([[animation.row.index, min + fraction * (max - min)]]);
  requestAnimationFrame(animate);
}

for (const row of rows) {
  row.playButton.addEventListener("click", () => (animation?.row === row ? stopAnimation() : startAnimation(row)));
}
