// Of the box that is pointed at, or has the focus: all that led to it, and all that it led to.

for (const graph of document.querySelectorAll("svg.graph")) {
  const edges = [...graph.querySelectorAll(".edge")];
  const boxes = new Map([...graph.querySelectorAll(".node")].map((box) => [box.dataset.node, box]));

  function reach(start, here, there) {
    const reached = new Set([start]);
    for (const one of reached) {
      for (const edge of edges) {
        if (edge.dataset[here] === one) {
          edge.classList.add("related");
          reached.add(edge.dataset[there]);
        }
      }
    }
    return reached;
  }

  function point(box) {
    clear();
    graph.classList.add("pointed");
    const start = box.dataset.node;
    for (const each of [...reach(start, "from", "to"), ...reach(start, "to", "from")]) boxes.get(each).classList.add("related");
  }

  function clear() {
    graph.classList.remove("pointed");
    for (const each of graph.querySelectorAll(".related")) each.classList.remove("related");
  }

  for (const box of boxes.values()) {
    box.addEventListener("pointerenter", () => point(box));
    box.addEventListener("pointerleave", clear);
    box.addEventListener("focus", () => point(box));
    box.addEventListener("blur", clear);
  }
  // What was asked for is in sight, however wide the graph is.
  const asked = graph.querySelector(".asked");
  if (asked) {
    const frame = graph.parentElement;
    const box = asked.getBoundingClientRect();
    frame.scrollLeft += Math.max(0, box.right - frame.getBoundingClientRect().right + 16);
  }
}
