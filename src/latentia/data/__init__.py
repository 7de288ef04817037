"""Where chunks of data come from: arrays, data frames, and tables on disk."""
