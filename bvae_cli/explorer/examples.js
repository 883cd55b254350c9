// Where to start: an example, a picture of one's own, a draw of the prior, the mean.

const given = document.getElementById("given");
const said = document.getElementById("said");

/** Shows a picture, and moves all latents to what the model makes of it. */
function start(image) {
  const picture = framed(image, channels);
  paint(given.querySelector("canvas"), picture, channels);
  depart(false);
  move(encode(picture).entries());
}

/** Leaves what was there before. */
function depart(alone) {
  halt();
  given.hidden = alone;
  said.textContent = "";
}

/** Starts from a picture file. */
async function startFrom(file) {
  try {
    start(await createImageBitmap(file, { colorSpaceConversion: "none" }));
  } catch {
    said.textContent = `${file.name} is no picture that this browser can read.`;
  }
}

/** A draw of the standard normal distribution (Box & Muller 1958). */
function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

document.getElementById("random").addEventListener("click", () => {
  depart(true);
  move(latents.map((_, index) => [index, normal()]));
});

document.getElementById("mean").addEventListener("click", () => {
  depart(true);
  move(latents.map((_, index) => [index, centre(index)]));
});

const file = document.getElementById("file");
file.addEventListener("change", () => {
  if (file.files.length) startFrom(file.files[0]);
  file.value = ""; // so that the same may be chosen again
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
  const [dropped] = event.dataTransfer.files;
  if (dropped) startFrom(dropped);
  else said.textContent = "What was dropped is no file.";
});

const examples = [...document.querySelectorAll(".examples img")];
for (const example of examples) example.parentElement.addEventListener("click", () => start(example));

if (examples.length) examples[0].decode().then(() => start(examples[0]));
else refresh();
