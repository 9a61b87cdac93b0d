"""HTTP only: resources, their schemas and who may call them."""
