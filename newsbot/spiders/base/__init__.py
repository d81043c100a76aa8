"""Base classes, one for each way to reach data, so that a spider states only facts."""
