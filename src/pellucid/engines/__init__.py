"""What computes: torch trains, onnxruntime runs the model file. Training reaches them through `contract`."""
