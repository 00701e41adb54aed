"""Who asks: HTTP, the command line and the pages."""
