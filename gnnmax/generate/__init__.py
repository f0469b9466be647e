"""Draw data sets: a recipe names hosts, weights, subgraphs, cuts and plants; build makes its windows."""
