"""An Excel for tests: documented behaviour over openpyxl's workbook, behind xlwings' engines."""
