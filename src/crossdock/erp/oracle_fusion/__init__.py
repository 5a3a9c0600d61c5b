"""Oracle Fusion Cloud SCM: sales orders for Order Hub, on-hand balances, items and price lists, over REST."""
