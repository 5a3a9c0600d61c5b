"""The site of the documents: what MkDocs is told beside mkdocs.yml."""
