"""Files: atomic writes, ownership of outputs, shipped presets, and readers of graph files."""
