"""Experiments: several nets over several seeds on one data set, in one run folder."""
