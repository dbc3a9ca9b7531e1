"""Exercises: questions about convolutional networks, with worked answers, all computed."""
