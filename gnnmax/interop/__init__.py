"""Conversions to and from other libraries: PyG, networkx, Parquet, torch and torchmetrics."""
