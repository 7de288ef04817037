"""Densities of all K components at once, for mixtures and every other latent structure."""
