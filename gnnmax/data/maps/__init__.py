"""Maps: recipes, generation, checks and cards of whole adjacency matrices with planted peaks."""
