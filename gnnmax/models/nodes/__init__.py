"""Nets that score the nodes of a map: does a node belong to a hidden block?"""
