"""A stand-in store and a stand-in ERP over real HTTP, with faults on demand."""
