// The model and the current code. move() sets latents; the decoded image is drawn in the next frame, and then all
// listeners are called. So nothing is drawn twice in a frame.

const facts = JSON.parse(document.getElementById("facts").textContent);
const { channels, latents } = facts;
const weights = decodeFloats(document.getElementById("weights").textContent);
const encoder = loadNet(facts.encoder, weights, 0);
const decoder = loadNet(facts.decoder, weights, encoder.end);

const codes = new Float32Array(latents.length);
const drawListeners = [];
let range = "prior";
let frameRequest = 0;

/** The interface for the browser's console: images are (row, column, channel), from 0 to 1. */
const explorer = { codes, move, encode, decode, image: null };
globalThis.explorer = explorer;

/** Returns base64 text as float32 numbers (little-endian). */
function decodeFloats(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = text.charCodeAt(index);
  return new Float32Array(bytes.buffer);
}

/** Returns the posterior means of an image. */
function encode(image) {
  return forward(encoder.layers, image).subarray(0, latents.length);
}

/** Returns the expected image of a code. */
function decode(code) {
  return sigmoid(forward(decoder.layers, code));
}

/** Sets latents, given as pairs of an index and a value. */
function move(changes) {
  for (const [index, value] of changes) codes[index] = value;
  requestDraw();
}

/** Draws the image in the next frame. */
function requestDraw() {
  frameRequest ||= requestAnimationFrame(draw);
}

function draw() {
  frameRequest = 0;
  explorer.image = decode(codes);
  paint(document.getElementById("image"), explorer.image, channels);
  for (const listener of drawListeners) listener();
}

/** Returns the minimum and the maximum of a latent's range. */
function rangeOf(index) {
  return range === "data" ? [latents[index].min, latents[index].max] : [-facts.max_std, facts.max_std];
}

/** Returns the mean of a latent: over the data if its range is that of the data, else that of the prior. */
function meanOf(index) {
  return range === "data" ? latents[index].mean : 0;
}

/** Returns a value limited to the range of a latent. */
function clampToRange(index, value) {
  const [min, max] = rangeOf(index);
  return Math.min(max, Math.max(min, value));
}

/** Returns the step of the arrow keys. */
function stepOf(index) {
  const [min, max] = rangeOf(index);
  return (max - min) / 120;
}

function formatValue(value) {
  const rounded = Math.round(100 * value) / 100 || 0; // converts -0 to 0
  return rounded.toFixed(2).replace("-", "−");
}
