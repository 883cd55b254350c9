// A slider a latent.

const rows = [...document.querySelectorAll(".latent")].map((row) => ({
  index: Number(row.dataset.index),
  slider: row.querySelector("input"),
  value: row.querySelector(".value"),
  ends: [...row.querySelectorAll(".end")],
  play: row.querySelector(".play"),
}));

for (const { index, slider } of rows) {
  slider.addEventListener("input", () => {
    halt();
    move([[index, slider.valueAsNumber]]);
  });
}

for (const choice of document.querySelectorAll("[name=range]")) {
  choice.addEventListener("change", () => {
    range = choice.value;
    stretch();
    refresh();
  });
}

/** Gives each slider its range. */
function stretch() {
  for (const { index, slider } of rows) {
    [slider.min, slider.max] = bounds(index);
    slider.step = step(index) || "any";
  }
}

/** Puts each slider where its latent is: at its end, if the latent is beyond. */
function show() {
  for (const { index, slider, value } of rows) {
    slider.value = codes[index];
    value.textContent = shown(codes[index]);
    slider.setAttribute("aria-valuetext", `${latents[index].name}, ${value.textContent}`);
  }
}

stretch();
watchers.push(show);
