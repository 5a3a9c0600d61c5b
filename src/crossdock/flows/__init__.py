"""One pure module a flow; FLOWS is the explicit table of them."""
