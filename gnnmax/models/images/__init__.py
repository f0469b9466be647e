"""Image nets: convolutions and transformers that read a window as a picture."""
