"""Plants: what puts a maximum into a window, and the distractors around it."""
