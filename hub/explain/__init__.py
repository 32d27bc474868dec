"""The `hub explain` family: values in, reasons out. Touches no database unless told."""
