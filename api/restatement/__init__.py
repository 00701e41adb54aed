"""Earlier years told with a later fence."""
