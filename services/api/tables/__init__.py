"""Answers as tables: CSV and Excel with Chinese headings, for whoever works with a spreadsheet."""
