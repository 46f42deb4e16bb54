// ECharts, loaded by the pages that draw something: a script, not a module, so it is had by an element.

let loading;

export function loadECharts() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("./vendor/echarts/echarts.min.js", import.meta.url);
    script.onload = () => resolve(window.echarts);
    script.onerror = () => reject(new Error("The charts' library could not be loaded. Load the page again."));
    document.head.append(script);
  });
  return loading;
}
