// Images as arrays of numbers from 0 to 1, (row, column, channel), and canvases.

const SIDE = 64;

/** Shows an image on a canvas. */
function paint(canvas, pixels, channels) {
  const image = new ImageData(SIDE, SIDE);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    for (let c = 0; c < 3; c++) image.data[4 * pixel + c] = 255 * pixels[pixel * channels + (c % channels)];
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Returns the centre square of an image, on white, in the size and the channels of the model's images. */
function cropAndResize(image, channels) {
  const width = image.naturalWidth || image.width;
  const height = image.naturalHeight || image.height;
  const side = Math.min(width, height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, SIDE, SIDE);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Float32Array.from({ length: SIDE * SIDE * channels }, (_, index) => {
    const offset = 4 * Math.floor(index / channels);
    return (channels === 1 ? greyLevel(data, offset) : data[offset + (index % channels)]) / 255;
  });
}

/** Returns the luminance of a pixel by ITU-R 601, as computed by Pillow for the data sets. */
function greyLevel(data, offset) {
  return (19595 * data[offset] + 38470 * data[offset + 1] + 7471 * data[offset + 2] + 32768) >> 16;
}
