"""Files: atomic writes, shipped presets, and readers of graph files."""
