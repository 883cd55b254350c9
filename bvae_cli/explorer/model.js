// The model, the code that is looked at, and the one way in which it changes: move() puts numbers in their places, and
// at the next frame the picture is drawn and whoever shows the code is told. So nothing is drawn twice in a frame.

const facts = JSON.parse(document.getElementById("facts").textContent);
const { channels, latents } = facts;
const weights = floats(document.getElementById("weights").textContent);
const encoder = equipped(facts.encoder, weights, 0);
const decoder = equipped(facts.decoder, weights, encoder.end);

const codes = new Float32Array(latents.length);
const watchers = [];
let range = "prior";
let frame = 0;

/** What can be asked and done from the console: pictures are (row, column, channel), from 0 to 1. */
const explorer = { codes, move, encode, decode, image: null };
globalThis.explorer = explorer;

/** float32, least byte first, of base64. */
function floats(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = text.charCodeAt(place);
  return new Float32Array(bytes.buffer);
}

/** The means of the latents of a picture. */
function encode(picture) {
  return computed(encoder.layers, picture).subarray(0, latents.length);
}

/** The picture that is expected of a code. */
function decode(code) {
  return sigmoid(computed(decoder.layers, code));
}

/** Puts latents to values, pairs of a number and a value. */
function move(changes) {
  for (const [index, value] of changes) codes[index] = value;
  refresh();
}

/** Draws at the next frame. */
function refresh() {
  frame ||= requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  explorer.image = decode(codes);
  paint(document.getElementById("picture"), explorer.image, channels);
  for (const watcher of watchers) watcher();
}

/** From where to where a latent is moved. */
function bounds(index) {
  return range === "data" ? [latents[index].low, latents[index].high] : [-facts.span, facts.span];
}

/** Where a latent is on the mean: of the data, where its range is shown, and else of the prior. */
function centre(index) {
  return range === "data" ? latents[index].centre : 0;
}

/** A value in its bounds. */
function within(index, value) {
  const [low, high] = bounds(index);
  return Math.min(high, Math.max(low, value));
}

/** A step of a key. */
function step(index) {
  const [low, high] = bounds(index);
  return (high - low) / 120;
}

function shown(value) {
  const rounded = Math.round(100 * value) / 100 || 0; // which is no -0
  return rounded.toFixed(2).replace("-", "−");
}
