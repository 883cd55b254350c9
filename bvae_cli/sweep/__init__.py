"""Many models: a study of settings and seeds, trained, scored and compared."""
