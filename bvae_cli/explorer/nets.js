// The nets of layers.py. A picture is (row, column, channel): the channels of a pixel lie side by side, as a canvas has
// them, and not as torch does. Every layer with weights is one product with a matrix: of all that goes in, of the patch
// that makes a pixel, or of the pixel that makes a patch.

const LAYERS = { dense, convolution, transposed, flatten, unflatten, relu, tanh };

/** The layers with their weights, which lie one after the other in their order: a matrix, (in, out), and a bias. */
function equipped(descriptions, weights, start) {
  let place = start;
  const take = (count) => weights.subarray(place, (place += count));
  const layers = descriptions.map(({ rows, columns, biases, ...layer }) =>
    rows ? { ...layer, matrix: take(rows * columns), columns, bias: take(biases), felt: new Int32Array(rows) } : layer,
  );
  return { layers, end: place };
}

/** What a net makes of its input, which is left as it is. */
function computed(layers, input) {
  return layers.reduce((numbers, layer) => LAYERS[layer.kind](layer, numbers), input);
}

function dense(layer, numbers) {
  const sums = Float32Array.from(layer.bias);
  multiply(layer, numbers, 0, sums, 0);
  return sums;
}

function convolution(layer, picture) {
  const side = Math.sqrt(picture.length / layer.in);
  const small = (side + 2 * layer.padding - layer.kernel) / layer.stride + 1;
  const result = repeated(layer.bias, small * small);
  const patch = new Float32Array(layer.kernel ** 2 * layer.in);
  for (let pixel = 0; pixel < small * small; pixel++) {
    patch.fill(0);
    overlap(layer, pixel, small, side, layer.in, (there, here, length) => {
      for (let k = 0; k < length; k++) patch[there + k] = picture[here + k];
    });
    multiply(layer, patch, 0, result, pixel * layer.out);
  }
  return result;
}

function transposed(layer, picture) {
  const small = Math.sqrt(picture.length / layer.in);
  const side = (small - 1) * layer.stride - 2 * layer.padding + layer.kernel;
  const result = repeated(layer.bias, side * side);
  const patch = new Float32Array(layer.columns);
  for (let pixel = 0; pixel < small * small; pixel++) {
    patch.fill(0);
    multiply(layer, picture, pixel * layer.in, patch, 0);
    overlap(layer, pixel, small, side, layer.out, (there, here, length) => {
      for (let k = 0; k < length; k++) result[here + k] += patch[there + k];
    });
  }
  return result;
}

/**
 * Calls with each row of a patch that lies on the picture: where it begins in the patch, where in the picture, and
 * how many numbers it has.
 *
 * The patch belongs to a pixel of the smaller picture; the larger one has so many channels.
 */
function overlap({ kernel, stride, padding }, pixel, small, side, channels, call) {
  const top = Math.floor(pixel / small) * stride - padding;
  const left = (pixel % small) * stride - padding;
  const first = Math.max(0, -left);
  const length = (Math.min(kernel, side - left) - first) * channels;
  for (let row = Math.max(0, -top); row < Math.min(kernel, side - top); row++) {
    call((row * kernel + first) * channels, ((top + row) * side + left + first) * channels, length);
  }
}

/**
 * Adds the product of a layer's matrix with the numbers from `start` on to the sums from `place` on.
 *
 * This is where the time goes. What is zero, as a ReLU leaves half of all, costs nothing, and of the rest four are
 * taken at a time, so that a sum is read and written once for four products.
 */
function multiply({ matrix, columns, felt }, numbers, start, sums, place) {
  let count = 0;
  for (let row = 0; row < felt.length; row++) if (numbers[start + row] !== 0) felt[count++] = row;
  let next = 0;
  for (; next + 4 <= count; next += 4) {
    const [a, b, c, d] = [felt[next], felt[next + 1], felt[next + 2], felt[next + 3]];
    const [na, nb, nc, nd] = [numbers[start + a], numbers[start + b], numbers[start + c], numbers[start + d]];
    const [ma, mb, mc, md] = [a * columns, b * columns, c * columns, d * columns];
    for (let j = 0; j < columns; j++) {
      sums[place + j] += na * matrix[ma + j] + nb * matrix[mb + j] + nc * matrix[mc + j] + nd * matrix[md + j];
    }
  }
  for (; next < count; next++) {
    const number = numbers[start + felt[next]];
    const row = felt[next] * columns;
    for (let j = 0; j < columns; j++) sums[place + j] += number * matrix[row + j];
  }
}

/** Numbers, so many times one after the other. */
function repeated(numbers, times) {
  const result = new Float32Array(numbers.length * times);
  for (let start = 0; start < result.length; start += numbers.length) result.set(numbers, start);
  return result;
}

/** (row, column, channel) to (channel, row, column). */
function flatten({ channels }, picture) {
  const pixels = picture.length / channels;
  return picture.map((_, place) => picture[(place % pixels) * channels + Math.floor(place / pixels)]);
}

/** (channel, row, column) to (row, column, channel). */
function unflatten({ channels }, numbers) {
  const pixels = numbers.length / channels;
  return numbers.map((_, place) => numbers[(place % channels) * pixels + Math.floor(place / channels)]);
}

function relu(_, numbers) {
  return numbers.map((number) => (number > 0 ? number : 0));
}

function tanh(_, numbers) {
  return numbers.map(Math.tanh);
}

function sigmoid(numbers) {
  return numbers.map((number) => 1 / (1 + Math.exp(-number)));
}
