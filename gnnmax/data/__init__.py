"""Data sets: recipes, generation, the store on disk, verification and data cards."""
