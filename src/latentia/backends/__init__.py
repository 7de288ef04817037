"""Where E-steps are computed other than in this process."""
