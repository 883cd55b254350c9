"""What a model has learnt, drawn."""
