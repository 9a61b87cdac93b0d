"""Truckroll's domain and application: features, jobs, embedded services and the command line."""
