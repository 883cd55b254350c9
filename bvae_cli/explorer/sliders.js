// One slider per latent.

const rows = [...document.querySelectorAll(".latent")].map((row) => ({
  index: Number(row.dataset.index),
  slider: row.querySelector("input"),
  value: row.querySelector(".value"),
  thumbnails: [...row.querySelectorAll(".thumbnail")],
  playButton: row.querySelector(".play"),
}));

for (const { index, slider } of rows) {
  slider.addEventListener("input", () => {
    stopAnimation();
    move([[index, slider.valueAsNumber]]);
  });
}

for (const option of document.querySelectorAll("[name=range]")) {
  option.addEventListener("change", () => {
    range = option.value;
    updateRanges();
    requestDraw();
  });
}

/** Sets the range of each slider. */
function updateRanges() {
  for (const { index, slider } of rows) {
    [slider.min, slider.max] = rangeOf(index);
    slider.step = stepOf(index) || "any";
  }
}

/** Moves each slider to the value of its latent, or to its end if the value is out of range. */
function updateSliders() {
  for (const { index, slider, value } of rows) {
    slider.value = codes[index];
    value.textContent = formatValue(codes[index]);
    slider.setAttribute("aria-valuetext", `${latents[index].name}, ${value.textContent}`);
  }
}

updateRanges();
drawListeners.push(updateSliders);
