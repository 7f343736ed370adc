"""What may remain of an envelope: attribute, permit, minimise, pseudonymise. Pure."""
