"""Parts of an existing workbook, edited one by one."""
