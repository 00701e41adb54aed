"""English and Chinese: what is said, and how it is translated."""
