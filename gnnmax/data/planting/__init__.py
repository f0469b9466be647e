"""Plants: maxima that are put into windows, and the distractors around them."""
