"""The engine: quota and stock as one deterministic state machine on a log. `model.py` is what others build on."""
