"""All SQL: one module per noun, and the migrations. The only importer of the driver."""
