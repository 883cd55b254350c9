// Two latents at once: one from left to right, the other from below up.

const pad = document.getElementById("pad"); // none where there is one latent

function padded() {
  const dot = pad.querySelector(".dot");
  const axes = ["across", "up"].map((name) => document.getElementById(name));
  let before = axes.map(({ value }) => value);
  const chosen = () => axes.map((axis) => Number(axis.value));

  /** Moves both to where a finger is. */
  function follow(event) {
    const { left, top, width, height } = pad.getBoundingClientRect();
    const shares = [(event.clientX - left) / width, 1 - (event.clientY - top) / height];
    halt();
    move(
      chosen().map((index, axis) => {
        const [low, high] = bounds(index);
        return [index, within(index, low + shares[axis] * (high - low))];
      }),
    );
  }

  /** Moves one by so many steps. */
  function push(axis, steps) {
    const index = chosen()[axis];
    halt();
    move([[index, within(index, codes[index] + steps * step(index))]]);
  }

  const keys = {
    ArrowLeft: () => push(0, -1),
    ArrowRight: () => push(0, 1),
    ArrowDown: () => push(1, -1),
    ArrowUp: () => push(1, 1),
    PageDown: () => push(1, -12),
    PageUp: () => push(1, 12),
    Home: () => push(0, -Infinity),
    End: () => push(0, Infinity),
  };

  /** Puts the dot where the latents are, and says it. */
  function point() {
    const [across, up] = chosen();
    const share = (index) => {
      const [low, high] = bounds(index);
      return (within(index, codes[index]) - low) / (high - low || 1);
    };
    dot.style.left = `${100 * share(across)}%`;
    dot.style.bottom = `${100 * share(up)}%`;
    const [low, high] = bounds(across);
    const says = (index) => `${latents[index].name}, ${shown(codes[index])}`;
    const attributes = {
      "aria-label": `${latents[across].name} from left to right, ${latents[up].name} from below up`,
      "aria-valuemin": low,
      "aria-valuemax": high,
      "aria-valuenow": codes[across],
      "aria-valuetext": `${says(across)}; ${says(up)}`,
    };
    for (const [name, value] of Object.entries(attributes)) pad.setAttribute(name, value);
  }

  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    follow(event);
  });
  pad.addEventListener("pointermove", (event) => event.buttons && follow(event));
  pad.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  axes.forEach((axis, place) => {
    axis.addEventListener("change", () => {
      const other = axes[1 - place];
      if (axis.value === other.value) other.value = before[place]; // they change places
      before = axes.map(({ value }) => value);
      refresh();
    });
  });
  watchers.push(point);
}

if (pad) padded();
