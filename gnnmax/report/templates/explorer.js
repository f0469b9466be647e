const data = JSON.parse(document.getElementById("data").textContent);
const state = { known: true };

function element(kind, parent, text, attributes = {}) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
}

function line(parent) {
  return element("div", parent, null, { class: "line" });
}

function slider(axis) {
  const parent = line(document.getElementById("controls"));
  const values = data.axes[axis];
  const id = "axis-" + axis.replace(/\W/g, "-");
  element("label", parent, data.labels[axis], { for: id });
  const start = values.indexOf(data.start[axis]);
  const range = element("input", parent, null, { id, type: "range", min: 0, max: values.length - 1, step: 1, value: start });
  const shown = element("output", parent, null, { for: id });
  const moved = () => {
    state[axis] = values[Number(range.value)];
    shown.textContent = state[axis];
    range.setAttribute("aria-valuetext", String(state[axis]));
    draw();
  };
  range.addEventListener("input", moved);
  state[axis] = values[start];
  shown.textContent = state[axis];
}

function choice() {
  const parent = line(document.getElementById("controls"));
  element("span", parent, "order of the nodes");
  const box = element("div", parent, null, { class: "choice", role: "radiogroup", "aria-label": "order of the nodes" });
  for (const [known, text] of [[true, "known"], [false, "lost"]]) {
    const label = element("label", box, null);
    const button = element("input", label, null, { type: "radio", name: "order", id: "order-" + text });
    button.checked = known === state.known;
    button.addEventListener("change", () => { state.known = known; draw(); });
    label.append(" " + text);
  }
}

function row() {
  return data.rows.find((one) => Object.keys(data.axes).every((axis) => one[axis] === state[axis]));
}

function draw() {
  const found = row();
  const bars = document.getElementById("bars");
  bars.replaceChildren();
  const shown = data.scorers.filter((one) => one.known === state.known || one.known === null);
  for (const scorer of shown) {
    const share = found[scorer.column];
    const one = line(bars);
    element("div", one, scorer.title);
    const bar = element("div", one, null, { class: "bar" });
    element("i", bar, null, { style: `width: ${(200 * (share - 0.5)).toFixed(1)}%` });
    element("b", bar, null, { style: `left: ${(200 * (found[data.best] - 0.5)).toFixed(1)}%` });
    element("span", one, `${(100 * share).toFixed(1)} %`);
  }
  const nets = shown.filter((one) => one.net);
  const top = nets.reduce((a, b) => (found[b.column] > found[a.column] ? b : a));
  const gap = 100 * (found[data.best] - found[top.column]);
  const order = state.known ? "known" : "lost";
  const text = `With the order ${order}, the ${top.title} is the best net, ${Math.max(gap, 0).toFixed(1)} points below the best possible.`;
  document.getElementById("said").textContent = text;
  bars.setAttribute("aria-label", shown.map((one) => `${one.title}: ${(100 * found[one.column]).toFixed(1)} %`).join("; "));
}

Object.keys(data.axes).forEach(slider);
choice();
draw();
