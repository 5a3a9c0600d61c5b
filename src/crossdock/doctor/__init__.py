"""What `crossdock doctor` looks at on our own side and at every connection; a vendor's checks live with the vendor."""
