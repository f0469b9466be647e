"""Sweeps: many small worlds, nets and seeds by one plan, each result kept as soon as it is there."""
