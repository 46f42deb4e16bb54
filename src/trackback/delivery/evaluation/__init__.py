"""How good a model is on a test set, and how it differs from the one that is there."""
