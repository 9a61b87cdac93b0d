"""Schema revisions, shipped with the package so that ``truckroll up`` can apply them."""
