// Initial codes: an example image, an image of the user, a sample of the prior, the mean.

const inputImage = document.getElementById("input-image");
const statusText = document.getElementById("status");

/** Shows an image and moves all latents to its posterior means. */
function startFromImage(image) {
  const pixels = cropAndResize(image, channels);
  paint(inputImage.querySelector("canvas"), pixels, channels);
  resetInput(true);
  move(encode(pixels).entries());
}

/** Stops the animation, clears the status, and shows or hides the input image. */
function resetInput(hasImage) {
  stopAnimation();
  inputImage.hidden = !hasImage;
  statusText.textContent = "";
}

/** Encodes an image file. */
async function startFromFile(file) {
  try {
    startFromImage(await createImageBitmap(file, { colorSpaceConversion: "none" }));
  } catch {
    statusText.textContent = `${file.name} is not an image that this browser can read.`;
  }
}

/** Returns a sample of the standard normal distribution (Box & Muller 1958). */
function sampleNormal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

document.getElementById("sample").addEventListener("click", () => {
  resetInput(false);
  move(latents.map((_, index) => [index, sampleNormal()]));
});

document.getElementById("mean").addEventListener("click", () => {
  resetInput(false);
  move(latents.map((_, index) => [index, meanOf(index)]));
});

const fileInput = document.getElementById("file");
fileInput.addEventListener("change", () => {
  if (fileInput.files.length) startFromFile(fileInput.files[0]);
  fileInput.value = ""; // so that the same file can be selected again
});

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) startFromFile(file);
  else statusText.textContent = "The dropped object is not a file.";
});

const examples = [...document.querySelectorAll(".examples img")];
for (const example of examples) example.parentElement.addEventListener("click", () => startFromImage(example));

if (examples.length) examples[0].decode().then(() => startFromImage(examples[0]));
else requestDraw();
