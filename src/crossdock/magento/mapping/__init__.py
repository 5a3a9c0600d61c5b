"""Magento's words to ours and back: pure."""
