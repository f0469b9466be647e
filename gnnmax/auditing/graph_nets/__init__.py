"""Graph nets of torch_geometric: does the output follow when nodes and edges are put in another order?"""
