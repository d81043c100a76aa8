"""Base classes: one for each way of reaching data, so that a spider is only facts."""
