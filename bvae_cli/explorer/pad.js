// Two-dimensional pad: moves one latent horizontally and another one vertically.

const pad = document.getElementById("pad"); // null if there is only one latent

function setUpPad() {
  const dot = pad.querySelector(".dot");
  const axes = ["x-axis", "y-axis"].map((id) => document.getElementById(id));
  let previousValues = axes.map(({ value }) => value);
  const selectedLatents = () => axes.map((axis) => Number(axis.value));

  /** Moves both latents to the position of the pointer. */
  function followPointer(event) {
    const { left, top, width, height } = pad.getBoundingClientRect();
    const fractions = [(event.clientX - left) / width, 1 - (event.clientY - top) / height];
    stopAnimation();
    move(
      selectedLatents().map((index, axis) => {
        const [min, max] = rangeOf(index);
        return [index, clampToRange(index, min + fractions[axis] * (max - min))];
      }),
    );
  }

  /** Moves the latent of an axis by a number of steps. */
  function moveBySteps(axis, steps) {
    const index = selectedLatents()[axis];
    stopAnimation();
    move([[index, clampToRange(index, codes[index] + steps * stepOf(index))]]);
  }

  const keyActions = {
    ArrowLeft: () => moveBySteps(0, -1),
    ArrowRight: () => moveBySteps(0, 1),
    ArrowDown: () => moveBySteps(1, -1),
    ArrowUp: () => moveBySteps(1, 1),
    PageDown: () => moveBySteps(1, -12),
    PageUp: () => moveBySteps(1, 12),
    Home: () => moveBySteps(0, -Infinity),
    End: () => moveBySteps(0, Infinity),
  };

  /** Moves the dot to the values of the latents, and updates the text for screen readers. */
  function updatePad() {
    const [x, y] = selectedLatents();
    const fraction = (index) => {
      const [min, max] = rangeOf(index);
      return (clampToRange(index, codes[index]) - min) / (max - min || 1);
    };
    dot.style.left = `${100 * fraction(x)}%`;
    dot.style.bottom = `${100 * fraction(y)}%`;
    const [min, max] = rangeOf(x);
    const describe = (index) => `${latents[index].name}, ${formatValue(codes[index])}`;
    const attributes = {
      "aria-label": `${latents[x].name} horizontally, ${latents[y].name} vertically`,
      "aria-valuemin": min,
      "aria-valuemax": max,
      "aria-valuenow": codes[x],
      "aria-valuetext": `${describe(x)}; ${describe(y)}`,
    };
    for (const [name, value] of Object.entries(attributes)) pad.setAttribute(name, value);
  }

  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    followPointer(event);
  });
  pad.addEventListener("pointermove", (event) => event.buttons && followPointer(event));
  pad.addEventListener("keydown", (event) => {
    if (!keyActions[event.key]) return;
    event.preventDefault();
    keyActions[event.key]();
  });
  axes.forEach((axis, index) => {
    axis.addEventListener("change", () => {
      const other = axes[1 - index];
      if (axis.value === other.value) other.value = previousValues[index]; // swap the axes
      previousValues = axes.map(({ value }) => value);
      requestDraw();
    });
  });
  drawListeners.push(updatePad);
}

if (pad) setUpPad();
