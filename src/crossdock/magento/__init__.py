"""The Magento end."""
