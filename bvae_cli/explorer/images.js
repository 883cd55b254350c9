// Pictures: numbers from 0 to 1, (row, column, channel), and canvases.

const SIDE = 64;

/** Shows a picture on a canvas. */
function paint(canvas, numbers, channels) {
  const image = new ImageData(SIDE, SIDE);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    for (let c = 0; c < 3; c++) image.data[4 * pixel + c] = 255 * numbers[pixel * channels + (c % channels)];
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The square in the middle of any image, on white, brought to the size and the colours of the model's pictures. */
function framed(image, channels) {
  const width = image.naturalWidth || image.width;
  const height = image.naturalHeight || image.height;
  const side = Math.min(width, height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white";
  pen.fillRect(0, 0, SIDE, SIDE);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  const { data } = pen.getImageData(0, 0, SIDE, SIDE);
  return Float32Array.from({ length: SIDE * SIDE * channels }, (_, place) => {
    const pixel = 4 * Math.floor(place / channels);
    return (channels === 1 ? grey(data, pixel) : data[pixel + (place % channels)]) / 255;
  });
}

/** The luminance of a pixel by ITU-R 601, as Pillow takes it for the data sets. */
function grey(data, pixel) {
  return (19595 * data[pixel] + 38470 * data[pixel + 1] + 7471 * data[pixel + 2] + 32768) >> 16;
}
