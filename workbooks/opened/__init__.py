"""What is done to a workbook while it is open in Excel; `workbooks.desk`, which alone imports xlwings, brings it."""
