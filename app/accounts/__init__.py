"""Who a person is here, and what they granted."""
