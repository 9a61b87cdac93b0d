"""The technician's phone: idempotent operations in, changes out."""
