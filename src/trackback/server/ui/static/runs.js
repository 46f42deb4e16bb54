// The page of an experiment's runs.

import "./run-columns.js";
import { showSelection, watchSelection } from "./run-selection.js";
import { settle, table, watchFolds } from "./run-table.js";
import { watchRuns } from "./run-updates.js";

// The cursor is where the filter is wrong.
const fault = document.querySelector("[data-fault]");
if (fault) {
  fault.focus();
  fault.setSelectionRange(Number(fault.dataset.fault), fault.value.length);
}

if (table) {
  watchFolds();
  watchSelection();
  settle();
}
watchRuns();
