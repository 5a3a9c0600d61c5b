"""One folder an ERP, the same shape inside each."""
