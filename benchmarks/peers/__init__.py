"""One file for each way to train bench-lenet on MNIST. Each runs alone and prints its settings and rates as JSON."""
