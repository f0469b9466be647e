"""Training: several nets side by side on the same batches."""
