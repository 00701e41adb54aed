"""Carbon accounts of enterprises and parks."""
