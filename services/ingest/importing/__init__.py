"""Files become events: a mapping says which column is which field, and a later file corrects.

Read top-down: `mapping` (what a mapping file may say) and `document` (reading one, with line
numbers), `tables` (CSV, NDJSON, Excel to rows), `times`, `rows` (a row to events), `spool` (all
rows of an order together), `difference` (file against store), `client` (the running service),
`run` (the two passes), `report`.
"""
