"""Opening: one value to its terms and on down to the pixels, what reaches what, why this answer."""
