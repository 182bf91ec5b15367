"""Law and policy as data: cells with status and source, tables of cells, one pack for each region."""
