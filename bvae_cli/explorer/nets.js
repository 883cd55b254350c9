// Forward passes of the layers of layers.py. An image is (row, column, channel), as in a canvas: the channels of a pixel
// are contiguous, unlike in PyTorch. Every layer with weights is a product with one matrix: of the whole input (dense),
// of the input patch of each output pixel (convolution), or of each input pixel (transposed convolution).

const LAYERS = {
  dense,
  convolution,
  transposed_convolution: transposedConvolution,
  flatten,
  unflatten,
  relu,
  tanh,
};

/** Returns layers with their weights: for each layer a matrix, (in, out), and a bias, stored one after the other. */
function loadNet(descriptions, weights, start) {
  let position = start;
  const read = (count) => weights.subarray(position, (position += count));
  const layers = descriptions.map(({ rows, columns, biases, ...layer }) =>
    rows
      ? { ...layer, matrix: read(rows * columns), columns, bias: read(biases), nonzero: new Int32Array(rows) }
      : layer,
  );
  return { layers, end: position };
}

/** Returns the output of a net; the input is not modified. */
function forward(layers, input) {
  return layers.reduce((values, layer) => LAYERS[layer.kind](layer, values), input);
}

function dense(layer, input) {
  const output = Float32Array.from(layer.bias);
  addProduct(layer, input, 0, output, 0);
  return output;
}

function convolution(layer, image) {
  const inSide = Math.sqrt(image.length / layer.in);
  const outSide = (inSide + 2 * layer.padding - layer.kernel) / layer.stride + 1;
  const output = repeat(layer.bias, outSide * outSide);
  const patch = new Float32Array(layer.kernel ** 2 * layer.in);
  for (let pixel = 0; pixel < outSide * outSide; pixel++) {
    patch.fill(0);
    forEachPatchRow(layer, pixel, outSide, inSide, layer.in, (patchStart, imageStart, length) => {
      for (let k = 0; k < length; k++) patch[patchStart + k] = image[imageStart + k];
    });
    addProduct(layer, patch, 0, output, pixel * layer.out);
  }
  return output;
}

function transposedConvolution(layer, image) {
  const inSide = Math.sqrt(image.length / layer.in);
  const outSide = (inSide - 1) * layer.stride - 2 * layer.padding + layer.kernel;
  const output = repeat(layer.bias, outSide * outSide);
  const patch = new Float32Array(layer.columns);
  for (let pixel = 0; pixel < inSide * inSide; pixel++) {
    patch.fill(0);
    addProduct(layer, image, pixel * layer.in, patch, 0);
    forEachPatchRow(layer, pixel, inSide, outSide, layer.out, (patchStart, imageStart, length) => {
      for (let k = 0; k < length; k++) output[imageStart + k] += patch[patchStart + k];
    });
  }
  return output;
}

/**
 * Calls a function for each row of a patch that lies within the larger image, with the start of the row in the patch,
 * its start in the image, and its number of values.
 *
 * The patch belongs to a pixel of the smaller image; `channels` is the number of channels of the larger image.
 */
function forEachPatchRow({ kernel, stride, padding }, pixel, smallSide, largeSide, channels, callback) {
  const top = Math.floor(pixel / smallSide) * stride - padding;
  const left = (pixel % smallSide) * stride - padding;
  const first = Math.max(0, -left);
  const length = (Math.min(kernel, largeSide - left) - first) * channels;
  for (let row = Math.max(0, -top); row < Math.min(kernel, largeSide - top); row++) {
    callback((row * kernel + first) * channels, ((top + row) * largeSide + left + first) * channels, length);
  }
}

/**
 * Adds the product of the input, from `inStart` on, and a layer's matrix to the output, from `outStart` on.
 *
 * Most of the time is spent here. Zeros, half of all values after a ReLU, are skipped. The other values are processed
 * four at a time, so that each output is read and written once per four products.
 */
function addProduct({ matrix, columns, nonzero }, input, inStart, output, outStart) {
  let count = 0;
  for (let row = 0; row < nonzero.length; row++) if (input[inStart + row] !== 0) nonzero[count++] = row;
  let next = 0;
  for (; next + 4 <= count; next += 4) {
    const [a, b, c, d] = [nonzero[next], nonzero[next + 1], nonzero[next + 2], nonzero[next + 3]];
    const [xa, xb, xc, xd] = [input[inStart + a], input[inStart + b], input[inStart + c], input[inStart + d]];
    const [ma, mb, mc, md] = [a * columns, b * columns, c * columns, d * columns];
    for (let j = 0; j < columns; j++) {
      output[outStart + j] += xa * matrix[ma + j] + xb * matrix[mb + j] + xc * matrix[mc + j] + xd * matrix[md + j];
    }
  }
  for (; next < count; next++) {
    const value = input[inStart + nonzero[next]];
    const row = nonzero[next] * columns;
    for (let j = 0; j < columns; j++) output[outStart + j] += value * matrix[row + j];
  }
}

/** Returns values repeated `times` times. */
function repeat(values, times) {
  const result = new Float32Array(values.length * times);
  for (let start = 0; start < result.length; start += values.length) result.set(values, start);
  return result;
}

/** Reorders (row, column, channel) to (channel, row, column). */
function flatten({ channels }, image) {
  const pixels = image.length / channels;
  return image.map((_, index) => image[(index % pixels) * channels + Math.floor(index / pixels)]);
}

/** Reorders (channel, row, column) to (row, column, channel). */
function unflatten({ channels }, values) {
  const pixels = values.length / channels;
  return values.map((_, index) => values[(index % channels) * pixels + Math.floor(index / channels)]);
}

function relu(_, values) {
  return values.map((value) => (value > 0 ? value : 0));
}

function tanh(_, values) {
  return values.map(Math.tanh);
}

function sigmoid(values) {
  return values.map((value) => 1 / (1 + Math.exp(-value)));
}
