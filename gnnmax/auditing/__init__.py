"""The audit: what does a scorer notice that the label does not, and what does it miss that the label notices?"""
