"""The commands of `truckroll`, one module each."""
