"""The problem: windows, the label, its symmetries, explicit rules and Bayes ceilings."""
